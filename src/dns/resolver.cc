// resolver.cc — see resolver.h.
#include "dns/resolver.h"

#include "base/text.h"
#include "dns/context.h"
#include "log/log.h"
#include "net/endpoint.h"

#include <sys/stat.h>

namespace posthaste::dns {

namespace {

constexpr const char* system_resolver_list = "/etc/resolv.conf";
// How often the system's list is looked at, at most.
constexpr std::chrono::seconds follow_interval{5};
constexpr std::chrono::seconds probe_timeout{20};
constexpr std::uint16_t default_port = 53;

std::timespec modification_time(const char* path)
{
    struct stat status{};
    return ::stat(path, &status) == 0 ? status.st_mtim : std::timespec{};
}

bool same(const std::timespec& a, const std::timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

// "address@port", the way libunbound wants it.
Result<std::string> parse_server(std::string_view entry)
{
    std::string_view address = entry;
    std::uint16_t port = default_port;
    std::size_t mark = entry.rfind('@');
    if (mark == std::string_view::npos && (entry.starts_with('[') || entry.find(':') == entry.rfind(':')))
        mark = entry.rfind(':');
    // The colons inside [2001:db8::1] are no port.
    if (mark != std::string_view::npos && entry.find(']', mark) == std::string_view::npos) {
        auto number = parse_number<std::uint16_t>(entry.substr(mark + 1));
        if (!number || *number == 0)
            return fail(ErrorKind::Invalid, "bad port of a DNS server: " + printable(entry));
        port = *number;
        address = entry.substr(0, mark);
    }
    TRY(net::Endpoint endpoint, net::Endpoint::ip(address, port));
    return endpoint.address() + "@" + std::to_string(port);
}

}  // namespace

std::string_view name(Type type)
{
    switch (type) {
    case Type::A: return "A";
    case Type::Ns: return "NS";
    case Type::Cname: return "CNAME";
    case Type::Ptr: return "PTR";
    case Type::Mx: return "MX";
    case Type::Txt: return "TXT";
    case Type::Aaaa: return "AAAA";
    case Type::Srv: return "SRV";
    case Type::Tlsa: return "TLSA";
    }
    return "unknown";
}

std::string describe(std::string_view queried, Type type, std::string_view reason)
{
    std::string text = "Name service error for name=";
    text.append(queried).append(" type=").append(name(type)).append(": ").append(reason);
    return text;
}

std::string describe(std::string_view queried, Type type, Answer::Status status)
{
    return describe(queried, type,
                    status == Answer::Status::NoSuchName ? std::string_view("Host not found")
                                                         : "Host found but no data record of requested type");
}

Result<std::vector<std::string>> parse_servers(std::string_view text)
{
    std::vector<std::string> servers;
    for (std::string_view entry : split(text, ", \t\r\n")) {
        TRY(std::string server, parse_server(entry));
        servers.push_back(std::move(server));
    }
    return servers;
}

struct Resolver::Impl {
    // A context per state of the system's resolver list; lookups keep theirs alive.
    Result<void> renew()
    {
        list_read = modification_time(system_resolver_list);
        last_look = net::Clock::now();
        TRY(current, Context::open({.servers = options.servers}));
        return {};
    }

    void follow()
    {
        if (!options.servers.empty() || net::Clock::now() - last_look < follow_interval)
            return;
        last_look = net::Clock::now();
        if (same(modification_time(system_resolver_list), list_read))
            return;
        validating.reset();
        if (auto renewed = renew(); !renewed)
            log::warning("cannot follow {}: {}", system_resolver_list, renewed.error().text());
        else if (options.validate)
            tasks.start(probe());
    }

    // Validation is used once the upstream has shown that it passes signatures on.
    Task<void> probe()
    {
        auto candidate = Context::open({.servers = options.servers, .trust_anchor_file = options.trust_anchor_file});
        if (!candidate) {
            log::warning("DNSSEC validation is off: {}", candidate.error().text());
            co_return;
        }
        std::shared_ptr<Context> context = std::move(*candidate);
        auto answer = co_await context->lookup(".", Type::Ns, net::Deadline::after(probe_timeout));
        if (answer && answer->secure)
            validating = std::move(context);
        else
            log::warning("DNSSEC validation is off: the DNS servers do not pass signatures on");
    }

    ResolverOptions options;
    std::shared_ptr<Context> current;
    std::shared_ptr<Context> validating;
    std::timespec list_read{};
    net::Clock::time_point last_look;
    bool probed = false;
    net::TaskGroup tasks;
};

Resolver::Resolver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Resolver::~Resolver() = default;

Result<std::unique_ptr<Resolver>> Resolver::open(ResolverOptions options)
{
    auto impl = std::make_unique<Impl>();
    for (std::string& server : options.servers) {
        TRY(server, parse_server(server));
    }
    impl->options = std::move(options);
    TRY(impl->renew());
    return std::unique_ptr<Resolver>(new Resolver(std::move(impl)));
}

Task<Result<Answer>> Resolver::lookup(std::string queried, Type type, net::Deadline deadline)
{
    impl_->follow();
    if (impl_->options.validate && !std::exchange(impl_->probed, true))
        impl_->tasks.start(impl_->probe());
    std::shared_ptr<Context> context = impl_->validating ? impl_->validating : impl_->current;
    co_return co_await context->lookup(std::move(queried), type, deadline);
}

}  // namespace posthaste::dns
