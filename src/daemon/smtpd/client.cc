// client.cc — see client.h.
#include "daemon/smtpd/client.h"

#include "address/network.h"
#include "base/fd.h"
#include "base/text.h"
#include "dns/lookups.h"
#include "log/events_smtpd.h"
#include "smtp/path.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::smtpd {

namespace {

constexpr auto lookup_patience = std::chrono::seconds(10);
constexpr auto memory_of_answers = std::chrono::seconds(60);
constexpr std::size_t most_answers = 4096;

// hosts(5): address, name, aliases; '#' begins a comment.
std::map<std::string, std::string> read_hosts()
{
    std::map<std::string, std::string> hosts;
    auto content = read_file("/etc/hosts", std::size_t{4} << 20);
    if (!content)
        return hosts;
    for (std::string_view line : split(*content, "\n")) {
        auto words = split(line.substr(0, line.find('#')), " \t\r");
        if (words.size() < 2)
            continue;
        if (auto address = address::IpAddress::parse(words[0]))
            hosts.try_emplace(address->to_string(), words[1]);
    }
    return hosts;
}

}  // namespace

NameFinder::NameFinder(dns::Resolver* resolver) : resolver_(resolver), hosts_(read_hosts()) {}

void NameFinder::remember(const std::string& address, const Names& names)
{
    if (known_.size() >= most_answers)
        known_.clear();
    known_.insert_or_assign(address, Known{names, net::Clock::now() + memory_of_answers});
}

Task<NameFinder::Names> NameFinder::find(net::Endpoint peer)
{
    std::string address = peer.address();
    if (auto host = hosts_.find(address); host != hosts_.end())
        co_return Names{host->second, host->second};
    if (auto known = known_.find(address); known != known_.end() && known->second.until > net::Clock::now())
        co_return known->second.names;
    if (!resolver_)
        co_return Names{};
    Names names = co_await ask(peer);
    remember(address, names);
    co_return names;
}

Task<NameFinder::Names> NameFinder::ask(net::Endpoint peer)
{
    net::Deadline deadline = net::Deadline::after(lookup_patience);
    auto reverse = co_await dns::names_of(*resolver_, peer, deadline);
    if (!reverse || reverse->empty() || !smtp::is_host_name(reverse->front()))
        co_return Names{};
    Names names{.name = "unknown", .reverse_name = reverse->front()};
    dns::Protocols protocols{.ipv4 = peer.bytes().size() == 4, .ipv6 = peer.bytes().size() == 16};
    auto forward = co_await dns::addresses(*resolver_, names.reverse_name, 0, protocols, deadline);
    bool agrees = forward && std::ranges::any_of(forward->addresses, [&](const net::Endpoint& endpoint) {
                      return endpoint.bytes() == peer.bytes();
                  });
    if (agrees)
        names.name = names.reverse_name;
    else
        log::smtpd_name_mismatch(names.reverse_name, peer.address(),
                                 forward ? std::string_view() : std::string_view(forward.error().text()));
    co_return names;
}

Client client_of(const net::Endpoint& peer)
{
    Client client;
    if (peer.is_unix() || peer.bytes().empty()) {
        client.address = "127.0.0.1";  // a UNIX socket or standard input: this machine
        client.name = client.reverse_name = "localhost";
        client.port = "0";
    } else {
        client.address = peer.address();
        client.port = std::to_string(peer.port());
    }
    client.for_headers = client.address.contains(':') ? "IPv6:" + client.address : client.address;
    describe(client, false);
    return client;
}

void describe(Client& client, bool with_port)
{
    client.for_log = fmt::format("{}[{}]", client.name, client.address);
    if (with_port)
        client.for_log += ":" + client.port;
}

std::string client_network(std::string_view address, unsigned ipv4_prefix, unsigned ipv6_prefix)
{
    auto parsed = address::IpAddress::parse(address);
    if (!parsed)
        return std::string(address);
    unsigned prefix = parsed->family() == address::Family::Ipv4 ? ipv4_prefix : ipv6_prefix;
    if (prefix >= parsed->bits())
        return std::string(address);
    return fmt::format("{}/{}", parsed->masked(prefix).to_string(), prefix);
}

}  // namespace posthaste::smtpd
