// service_spec.cc — see service_spec.h.
#include "daemon/master/service_spec.h"

#include "base/text.h"
#include "param/basics.h"
#include "param/process.h"

#include <algorithm>
#include <array>
#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>

namespace posthaste::master {

using config::MasterService;
using config::ServiceType;

namespace {

// postconf(5) inet_protocols.
struct Protocols {
    bool ipv4 = false;
    bool ipv6 = false;
};

// A kernel without IPv6, or a container without its loopback address, is no reason not to start.
bool ipv6_works()
{
    auto loopback = net::Endpoint::ip("::1", 0);
    return loopback && net::listen_on(*loopback);
}

Protocols parse_protocols(const std::string& text)
{
    Protocols protocols;
    for (std::string_view word : split(text, ", \t\r\n")) {
        if (word == "all")
            protocols = {.ipv4 = true, .ipv6 = ipv6_works()};
        else if (word == "ipv4")
            protocols.ipv4 = true;
        else if (word == "ipv6")
            protocols.ipv6 = true;
    }
    return protocols;
}

bool allowed(const Protocols& protocols, const net::Endpoint& endpoint)
{
    return endpoint.family() == AF_INET6 ? protocols.ipv6 : protocols.ipv4;
}

Result<std::uint16_t> parse_port(const std::string& text)
{
    if (auto number = parse_number<std::uint16_t>(text); number && *number > 0)
        return *number;
    if (const servent* entry = ::getservbyname(text.c_str(), "tcp"))  // NOLINT(concurrency-mt-unsafe): one thread
        return ntohs(static_cast<std::uint16_t>(entry->s_port));
    return fail(ErrorKind::Invalid,
                fmt::format("unknown port \"{}\": a number or a name from /etc/services expected", text));
}

// A literal address, or the addresses of a host name (/etc/hosts; master asks once, at start and reload).
Result<std::vector<net::Endpoint>> resolve(const std::string& host, std::uint16_t port)
{
    if (auto literal = net::Endpoint::ip(host, port))
        return std::vector{*literal};
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list); error != 0)
        return fail(ErrorKind::Invalid, fmt::format("host \"{}\": {}", host, ::gai_strerror(error)));
    std::vector<net::Endpoint> endpoints;
    for (const addrinfo* entry = list; entry; entry = entry->ai_next)
        endpoints.emplace_back(entry->ai_addr, entry->ai_addrlen);
    ::freeaddrinfo(list);
    return endpoints;
}

// postconf(5) inet_interfaces: all, loopback-only, or names and addresses.
Result<std::vector<net::Endpoint>> interface_endpoints(const std::string& interfaces, std::uint16_t port)
{
    std::vector<net::Endpoint> endpoints;
    for (std::string_view word : split(interfaces, ", \t\r\n")) {
        if (word == "all" || word == "loopback-only") {
            for (const char* address : word == "all" ? std::array{"0.0.0.0", "::"} : std::array{"127.0.0.1", "::1"}) {
                TRY(net::Endpoint endpoint, net::Endpoint::ip(address, port));
                endpoints.push_back(endpoint);
            }
            continue;
        }
        TRY(auto more, resolve(std::string(word), port));
        endpoints.insert(endpoints.end(), more.begin(), more.end());
    }
    return endpoints;
}

Result<void> add_inet_addresses(ServiceSpec& spec, const config::Config& config)
{
    std::string host;
    std::string port = spec.name;
    if (auto colon = spec.name.rfind(':'); colon != std::string::npos) {
        host = spec.name.substr(0, colon);
        port = spec.name.substr(colon + 1);
    }
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    TRY(std::uint16_t number, parse_port(port));
    const Protocols protocols = parse_protocols(config.get(param::inet_protocols));
    TRY(auto endpoints,
        host.empty() ? interface_endpoints(config.get(param::inet_interfaces), number) : resolve(host, number));
    for (const net::Endpoint& endpoint : endpoints)
        if (allowed(protocols, endpoint) && std::ranges::find(spec.addresses, endpoint) == spec.addresses.end())
            spec.addresses.push_back(endpoint);
    spec.port = std::to_string(number);
    if (spec.addresses.empty())
        return fail(ErrorKind::Invalid, "no address to listen on: compare inet_interfaces and inet_protocols");
    return {};
}

// What "-" in the maxproc field means. A network server's sessions cost little: where the administrator has set no
// default_process_limit, default_session_limit counts for them.
int default_limit(ServiceType type, const config::Config& config)
{
    bool network = type == ServiceType::Inet || type == ServiceType::Pass;
    return network && !config.raw("default_process_limit") ? config.get(param::default_session_limit)
                                                           : config.get(param::default_process_limit);
}

// postconf(5) master_service_disable: "smtp.inet", or "inet" for all of a type; "!" takes a name out again.
bool disabled(const ServiceSpec& spec, const std::string& list)
{
    std::string type(config::name(spec.type));
    for (std::string_view word : split(list, ", \t\r\n")) {
        bool negated = word.starts_with('!');
        if (negated)
            word.remove_prefix(1);
        if (word == type || word == spec.name + "." + type || word == spec.name + "/" + type)
            return !negated;
    }
    return false;
}

Result<ServiceSpec> make_spec(const MasterService& service, const config::Config& config)
{
    ServiceSpec spec;
    spec.name = service.name;
    spec.type = service.type;
    if (service.type == ServiceType::Inet) {
        TRY(add_inet_addresses(spec, config));
    } else {
        spec.socket_path = (service.is_private.value_or(true) ? "private/" : "public/") + service.name;
        spec.port = spec.socket_path;
        if (service.type != ServiceType::Fifo) {
            TRY(net::Endpoint endpoint, net::Endpoint::unix_path(spec.socket_path));
            spec.addresses.push_back(endpoint);
        }
    }
    spec.unprivileged = service.unprivileged.value_or(true);
    spec.chroot = service.chroot.value_or(config.get(param::compatibility_level) == "0");
    spec.wakeup = std::chrono::seconds(service.wakeup.value_or(0));
    spec.wakeup_after_first_use = service.wakeup_after_first_use;
    spec.limit = static_cast<std::uint32_t>(service.process_limit.value_or(default_limit(service.type, config)));
    spec.command = config.get(param::daemon_directory) + "/" + service.command;
    spec.arguments = service.arguments;
    return spec;
}

}  // namespace

Result<std::vector<ServiceSpec>> make_specs(const config::MasterCf& master_cf, const config::Config& config)
{
    std::vector<ServiceSpec> specs;
    for (const MasterService& service : master_cf.services) {
        auto spec = make_spec(service, config);
        if (!spec)
            return fail(
                std::move(spec).error().in(fmt::format("{}: service \"{}\"", service.place.text(), service.name)));
        if (!disabled(*spec, config.get(param::master_service_disable)))
            specs.push_back(std::move(*spec));
    }
    return specs;
}

Result<std::vector<ServiceSpec>> load_specs(const config::Config& config)
{
    TRY(config::MasterCf master_cf, config::load_master_cf(config.directory()));
    return make_specs(master_cf, config);
}

}  // namespace posthaste::master
