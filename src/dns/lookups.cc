// lookups.cc — see lookups.h.
#include "dns/lookups.h"

#include "base/text.h"
#include "dns/wire.h"
#include "log/log.h"
#include "net/tasks.h"

#include <algorithm>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <random>

namespace posthaste::dns {

namespace {

std::mt19937& randomness()
{
    static std::mt19937 generator{std::random_device{}()};
    return generator;
}

// One family's part of addresses(), run beside the other's.
struct FamilyLookup {
    Type type;
    Result<Answer> answer = fail(ErrorKind::Cancelled, "not asked");
};

Task<void> look_up(Resolver* resolver, std::string host, FamilyLookup* lookup, net::Deadline deadline)
{
    lookup->answer = co_await resolver->lookup(std::move(host), lookup->type, deadline);
}

Error not_found(const std::string& host, Type type, const Answer& answer)
{
    return {ErrorKind::NotFound, describe(host, type, answer.status)};
}

Result<HostAddresses> native_lookup(const std::string& host, std::uint16_t port, Protocols protocols)
{
    addrinfo hints{};
    hints.ai_family = protocols.ipv4 && protocols.ipv6 ? AF_UNSPEC : protocols.ipv6 ? AF_INET6 : AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (code != 0) {
        auto kind = code == EAI_NONAME || code == EAI_NODATA ? ErrorKind::NotFound : ErrorKind::Temporary;
        return fail(kind, fmt::format("unable to look up host {}: {}", host, ::gai_strerror(code)));
    }
    HostAddresses found;
    found.canonical_name = host;
    for (const addrinfo* entry = list; entry; entry = entry->ai_next)
        if (entry->ai_family == AF_INET || entry->ai_family == AF_INET6)
            found.addresses.emplace_back(entry->ai_addr, entry->ai_addrlen);
    ::freeaddrinfo(list);
    return found;
}

}  // namespace

Result<net::Endpoint> address_of(Type type, const std::string& rdata, std::uint16_t port)
{
    if (type == Type::A && rdata.size() == sizeof(in_addr)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        std::copy_n(rdata.data(), rdata.size(), reinterpret_cast<char*>(&address.sin_addr));
        return net::Endpoint(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    if (type == Type::Aaaa && rdata.size() == sizeof(in6_addr)) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(port);
        std::copy_n(rdata.data(), rdata.size(), reinterpret_cast<char*>(&address.sin6_addr));
        return net::Endpoint(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    return fail(ErrorKind::Invalid, "malformed address record");
}

// RFC 2782, "Weight": of those that are left, each is next with a chance of its weight by the sum of them; those with
// weight 0 stand first, so that they have a chance at all.
std::vector<SrvRecord> in_order_of_use(std::vector<SrvRecord> records, std::mt19937& randomness)
{
    std::ranges::shuffle(records, randomness);
    std::ranges::sort(records, {},
                      [](const SrvRecord& record) { return std::pair(record.priority, record.weight > 0); });
    std::vector<SrvRecord> ordered;
    ordered.reserve(records.size());
    while (!records.empty()) {
        const auto end = std::ranges::find_if(
            records, [&](const SrvRecord& record) { return record.priority != records.front().priority; });
        std::uint32_t sum = 0;
        for (auto record = records.begin(); record != end; ++record)
            sum += record->weight;
        std::uint32_t drawn = std::uniform_int_distribution<std::uint32_t>(0, sum)(randomness);
        auto chosen = records.begin();
        for (; chosen + 1 != end && chosen->weight < drawn; ++chosen)
            drawn -= chosen->weight;
        ordered.push_back(std::move(*chosen));
        records.erase(chosen);
    }
    return ordered;
}

Task<Result<std::vector<ServiceHost>>> service_hosts(Resolver& resolver, std::string service, net::Deadline deadline)
{
    CO_TRY(Answer answer, co_await resolver.lookup(service, Type::Srv, deadline));
    if (!answer.found())
        co_return fail(not_found(service, Type::Srv, answer));
    std::vector<SrvRecord> records;
    for (const std::string& rdata : answer.records) {
        auto record = parse_srv(rdata);
        if (record)
            records.push_back(std::move(*record));
        else
            log::warning("ignoring an SRV record of {}: {}", service, record.error().text());
    }
    // As with MX records, above: a mistake proves nothing.
    if (records.empty())
        co_return fail(ErrorKind::Temporary, describe(service, Type::Srv, "Malformed name server reply"));
    std::vector<ServiceHost> hosts;
    for (SrvRecord& record : in_order_of_use(std::move(records), randomness()))
        if (record.host != ".")
            hosts.push_back({.port = record.port, .host = std::move(record.host)});
    co_return hosts;
}

Task<Result<MailExchangers>> mail_exchangers(Resolver& resolver, std::string domain, net::Deadline deadline)
{
    CO_TRY(Answer answer, co_await resolver.lookup(domain, Type::Mx, deadline));
    if (!answer.found())
        co_return fail(not_found(domain, Type::Mx, answer));
    MailExchangers found;
    found.secure = answer.secure;
    for (const std::string& record : answer.records) {
        auto mx = parse_mx(record);
        if (!mx)
            log::warning("ignoring an MX record of {}: {}", domain, mx.error().text());
        else if (mx->host == ".")
            found.null_mx = true;
        else
            found.hosts.push_back({mx->preference, std::move(mx->host)});
    }
    if (found.null_mx && !found.hosts.empty())
        found.null_mx = false;  // RFC 7505 3: a null MX stands alone
    // Records that are all malformed are a mistake that somebody may repair; they do not prove that there are none.
    if (found.hosts.empty() && !found.null_mx)
        co_return fail(ErrorKind::Temporary, describe(domain, Type::Mx, "Malformed or unexpected name server reply"));
    std::ranges::shuffle(found.hosts, randomness());
    std::ranges::sort(found.hosts, {}, &MailExchanger::preference);
    co_return found;
}

Protocols parse_protocols(std::string_view inet_protocols)
{
    Protocols protocols{.ipv4 = false, .ipv6 = false};
    for (std::string_view word : split(inet_protocols, ", \t\r\n")) {
        bool all = equal_ignoring_case(word, "all");
        protocols.ipv4 |= all || equal_ignoring_case(word, "ipv4");
        protocols.ipv6 |= all || equal_ignoring_case(word, "ipv6");
    }
    if (!protocols.ipv4 && !protocols.ipv6)
        protocols.ipv4 = true;
    return protocols;
}

Task<Result<HostAddresses>> addresses(Resolver& resolver, std::string host, std::uint16_t port, Protocols protocols,
                                      net::Deadline deadline)
{
    std::vector<FamilyLookup> lookups;
    if (protocols.ipv6)
        lookups.push_back({.type = Type::Aaaa});
    if (protocols.ipv4)
        lookups.push_back({.type = Type::A});
    net::TaskGroup group;
    for (FamilyLookup& lookup : lookups)
        group.start(look_up(&resolver, host, &lookup, deadline));
    // Each lookup has the deadline; the group ends with them.
    static_cast<void>(co_await group.join(net::Deadline::never()));

    HostAddresses found;
    found.canonical_name = host;
    found.secure = true;
    std::optional<Error> doubt;  // what could not be found out
    for (const FamilyLookup& lookup : lookups) {
        if (!lookup.answer) {
            doubt = lookup.answer.error();
            continue;
        }
        if (!lookup.answer->found())
            continue;
        found.canonical_name = lookup.answer->canonical_name;
        found.secure &= lookup.answer->secure;
        for (const std::string& record : lookup.answer->records)
            if (auto endpoint = address_of(lookup.type, record, port))
                found.addresses.push_back(*endpoint);
    }
    if (!found.addresses.empty())
        co_return found;
    if (doubt)
        co_return fail(std::move(*doubt));
    co_return fail(not_found(host, lookups.back().type, *lookups.back().answer));
}

Task<Result<HostAddresses>> native_addresses(std::string host, std::uint16_t port, Protocols protocols)
{
    return net::in_thread([host = std::move(host), port, protocols] { return native_lookup(host, port, protocols); });
}

std::string reverse_name(const net::Endpoint& address, std::string_view zone)
{
    std::string_view bytes = address.bytes();
    bool v4 = bytes.size() == sizeof(in_addr);
    std::string text;
    for (std::size_t i = bytes.size(); i-- > 0;) {
        auto byte = static_cast<unsigned char>(bytes[i]);
        if (v4)
            text += fmt::format("{}.", byte);
        else
            text += fmt::format("{:x}.{:x}.", byte & 0xf, byte >> 4);
    }
    return text.append(!zone.empty() ? zone : v4 ? "in-addr.arpa" : "ip6.arpa");
}

Task<Result<std::vector<std::string>>> names_of(Resolver& resolver, net::Endpoint address, net::Deadline deadline)
{
    std::string queried = reverse_name(address);
    CO_TRY(Answer answer, co_await resolver.lookup(queried, Type::Ptr, deadline));
    if (!answer.found())
        co_return fail(not_found(queried, Type::Ptr, answer));
    std::vector<std::string> names;
    for (const std::string& record : answer.records) {
        if (auto host = parse_name(record))
            names.push_back(std::move(*host));
        else
            log::warning("ignoring a PTR record of {}: {}", address.address(), host.error().text());
    }
    if (names.empty())
        co_return fail(ErrorKind::NotFound, describe(queried, Type::Ptr, "numeric or malformed name"));
    co_return names;
}

}  // namespace posthaste::dns
