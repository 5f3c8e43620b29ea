// resolver.cc — see resolver.h.
#include "dns/resolver.h"

#include "base/text.h"
#include "dns/context.h"
#include "dns/record_text.h"
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

std::optional<Type> parse_type(std::string_view text)
{
    for (Type type :
         {Type::A, Type::Ns, Type::Cname, Type::Ptr, Type::Mx, Type::Txt, Type::Aaaa, Type::Srv, Type::Tlsa})
        if (equal_ignoring_case(text, name(type)))
            return type;
    return std::nullopt;
}

Result<Probe> parse_probe(std::string_view text)
{
    if (text.empty())
        return Probe{.warns = false};
    const std::size_t colon = text.find(':');
    const std::optional<Type> type = parse_type(text.substr(0, colon));
    if (colon == std::string_view::npos || colon + 1 == text.size() || !type)
        return fail(ErrorKind::Invalid, "expected TYPE:NAME, like ns:.: " + printable(text));
    return Probe{.type = *type, .name = std::string(text.substr(colon + 1))};
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
    // A context per state of the system's resolver list; lookups keep theirs alive. The one that validates is opened
    // now, too, while the trust anchor can be read.
    Result<void> renew()
    {
        list_read = modification_time(system_resolver_list);
        last_look = net::Clock::now();
        if (options.search.default_domain || options.search.all_domains)
            domains = system_search_domains();
        TRY(current, Context::open({.servers = options.servers}));
        if (!options.validate)
            return {};
        auto opened = Context::open({.servers = options.servers, .trust_anchor_file = options.trust_anchor_file});
        if (opened)
            candidate = std::move(*opened);
        else
            log::warning("DNSSEC validation is off: {}", opened.error().text());
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
    }

    // Validation is used once the upstream has shown that it passes signatures on.
    Task<void> probe(std::shared_ptr<Context> context)
    {
        auto answer =
            co_await context->lookup(options.probe.name, options.probe.type, net::Deadline::after(probe_timeout));
        if (answer && answer->secure)
            validating = std::move(context);
        else if (options.probe.warns)
            warn_of_probe(answer ? "a response that is not DNSSEC validated"
                                 : "no response: " + std::move(answer).error().text());
        Context::release(std::move(context));
    }

    // In the words of postconf(5) dnssec_probe.
    void warn_of_probe(std::string_view received) const
    {
        log::warning("DNSSEC validation may be unavailable");
        log::warning("reason: dnssec_probe '{}:{}' received {}", to_lower(name(options.probe.type)), options.probe.name,
                     received);
    }

    // The names that the queried one may stand for, until one exists.
    static Task<Result<Answer>> ask(Context* context, std::vector<std::string> names, Type type, net::Deadline deadline)
    {
        std::optional<Answer> nothing;
        for (std::string& name : names) {
            CO_TRY(Answer answer, co_await context->lookup(std::move(name), type, deadline));
            if (answer.found())
                co_return answer;
            if (!nothing || answer.status == Answer::Status::NoSuchData)
                nothing = std::move(answer);
        }
        co_return std::move(*nothing);
    }

    // postconf(5) smtp_dns_reply_filter.
    Task<Result<Answer>> filter(Answer answer, std::string queried, Type type)
    {
        std::vector<std::string> kept;
        for (std::string& record : answer.records) {
            const std::string text = record_text(answer.canonical_name, answer.ttl, type, record);
            CO_TRY(bool dropped, co_await options.drops(text));
            if (dropped)
                log::info("ignoring DNS RR: {}", text);
            else
                kept.push_back(std::move(record));
        }
        if (kept.empty())
            co_return fail(ErrorKind::Temporary, describe(queried, type, "DNS reply filter drops all results"));
        answer.records = std::move(kept);
        co_return answer;
    }

    ResolverOptions options;
    std::vector<std::string> domains;  // those that are searched
    std::shared_ptr<Context> current;
    std::shared_ptr<Context> candidate;   // validates, and has not been tried yet
    std::shared_ptr<Context> validating;  // null: it has not been found to work
    std::timespec list_read{};
    net::Clock::time_point last_look;
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
    if (impl_->candidate)
        impl_->tasks.start(impl_->probe(std::exchange(impl_->candidate, nullptr)));
    std::shared_ptr<Context> context = impl_->validating ? impl_->validating : impl_->current;
    auto answer =
        co_await Impl::ask(context.get(), search_names(queried, impl_->options.search, impl_->domains), type, deadline);
    Context::release(std::move(context));
    if (!answer || !answer->found() || !impl_->options.drops)
        co_return answer;
    co_return co_await impl_->filter(std::move(*answer), std::move(queried), type);
}

}  // namespace posthaste::dns
