// check_routes.cc — where mail goes: lists of domains, address classes, transports and nexthops.
//
// Lists are asked as the router asks them. The domains that are looked at are those that the lists themselves name,
// also in tables that can be read through; what a network table holds is not known here.
#include "address/fold.h"
#include "base/text.h"
#include "command/postfix/checks.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/rewrite.h"
#include "param/services.h"
#include "param/smtp.h"
#include "routing/nexthop.h"
#include "routing/own_addresses.h"
#include "routing/unwrap.h"
#include "table/text_source.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace posthaste::postfix {

namespace {

constexpr std::size_t most_rows = 100'000;  // that are read of one table

// What a service goes by: main.cf, with the -o options of its line in master.cf, if it has one.
class Rules {
public:
    Rules(const Subject& subject, const config::MasterService* line) : subject_(subject), line_(line)
    {
        if (line_ == nullptr || line_->overrides.empty())
            return;
        auto loaded = load_with_options(subject, *line_);
        are_known_ = loaded.has_value();
        if (loaded)
            with_options_ = std::move(*loaded);
    }

    // False: a value is bad, which values() or overrides() says.
    [[nodiscard]] bool are_known() const { return are_known_; }
    [[nodiscard]] const config::Config& config() const { return with_options_ ? *with_options_ : subject_.config; }
    template<class Parameter>
    [[nodiscard]] decltype(auto) get(Parameter parameter) const
    {
        return config().get(parameter);
    }

    // Where the setting was written that counts.
    [[nodiscard]] config::Place place(std::string_view parameter) const
    {
        return line_ != nullptr ? place_in(subject_, *line_, parameter) : place_of(subject_.config, parameter);
    }
    // Adds what is wrong with a parameter.
    void report(Severity severity, std::string_view parameter, std::string text, std::string remedy,
                Findings& findings) const
    {
        findings.push_back({.severity = severity,
                            .place = place(parameter),
                            .parameter = std::string(parameter),
                            .text = std::move(text),
                            .remedy = std::move(remedy)});
    }

private:
    const Subject& subject_;
    const config::MasterService* line_;
    std::shared_ptr<const config::Config> with_options_;
    bool are_known_ = true;
};

Rules rules_of_routing(const Subject& subject)
{
    return {subject, config::find_service(subject.master_cf.services, subject.config.get(param::rewrite_service_name),
                                          config::ServiceType::Unix)};
}

struct DomainList {
    std::string_view parameter;
    const std::string& value;
    match::List list;
};

// The rows of a table that can be read through.
void for_each_row(std::string_view type_and_name, const table::Visitor& visit)
{
    table::OpenOptions options = table::process_options();
    options.warn = [](std::string_view) {};  // checks::tables() says so
    auto table = table::open(type_and_name, options);
    if (!table)
        return;
    std::size_t rows = 0;
    // Ends with the first error: a table that cannot be read through, or has too many rows.
    static_cast<void>((*table)->for_each([&](std::string_view key, std::string_view value) -> Result<void> {
        if (++rows > most_rows)
            return fail(ErrorKind::Limit, "too many rows");
        return visit(key, value);
    }));
}

void add_domains(const std::string& value, std::set<std::string>& domains)
{
    auto words = table::split_outside_braces(value, table::list_separators);
    if (!words)
        return;
    for (std::string_view word : *words) {
        if (word.starts_with('!') || word.starts_with('/'))
            continue;
        if (word.find(':') == std::string_view::npos)
            domains.insert(address::fold_case(word));
        else
            for_each_row(word, [&](std::string_view key, std::string_view) -> Result<void> {
                if (key.find('@') == std::string_view::npos && key.find('.') != std::string_view::npos)
                    domains.insert(address::fold_case(key));
                return {};
            });
    }
}

// False where it cannot be told now.
bool lists(DomainList& list, const std::string& domain)
{
    match::Match match =
        list.parameter == "relay_domains" ? list.list.matches_domain(domain) : list.list.matches_string(domain);
    if (!match.ready())
        return false;
    return match.take_ready().value_or(false);
}

void report_two(const Rules& rules, std::string_view first, std::string_view second, const std::string& domain,
                Findings& findings)
{
    rules.report(
        Severity::Warning, second,
        fmt::format("domain {} is also in {}, which counts: who is not a user there is unknown", domain, first),
        fmt::format("list it in one of {} and {}", first, second), findings);
}

bool is_service(const Subject& subject, std::string_view transport)
{
    return std::ranges::any_of(subject.master_cf.services, [&](const config::MasterService& service) {
        return service.name == transport && service.type != config::ServiceType::Inet;
    });
}

// Agents that take host names as nexthop.
bool speaks_smtp(const Subject& subject, std::string_view transport)
{
    return std::ranges::any_of(subject.master_cf.services, [&](const config::MasterService& service) {
        return service.name == transport && service.type != config::ServiceType::Inet &&
               config::is_smtp_client(service);
    });
}

// What is wrong with "transport:nexthop"; empty if nothing is.
std::string route_problem(const Subject& subject, std::string_view text, const routing::PortNames& ports)
{
    const routing::TransportAndNexthop route = routing::parse_transport(text);
    if (!route.transport.empty() && !is_service(subject, route.transport))
        return fmt::format("master.cf has no service {}", route.transport);
    if (!route.nexthop.empty() && (route.transport.empty() || speaks_smtp(subject, route.transport)))
        return routing::nexthop_problem(route.nexthop, ports);
    return {};
}

void check_rewrite_service(const Subject& subject, const std::string& name, const config::Place& place,
                           Findings& findings)
{
    if (config::find_service(subject.master_cf.services, name, config::ServiceType::Unix) != nullptr)
        return;
    findings.push_back({.severity = Severity::Warning,
                        .place = place,
                        .parameter = "rewrite_service_name",
                        .text = fmt::format("master.cf has no unix service {}; main.cf alone decides how addresses are "
                                            "rewritten and where mail goes",
                                            name),
                        .remedy = "correct it, or add the service"});
}

constexpr const char* correct_nexthop = "correct it: host, [host] or [host]:port";

struct RouteParameter {
    std::string_view name;
    const std::string& value;
};

void check_table_rows(const Subject& subject, const Rules& rules, const RouteParameter& parameter,
                      const routing::PortNames& ports, Findings& findings)
{
    auto words = table::split_outside_braces(parameter.value, table::list_separators);
    if (!words)
        return;  // tables() says so
    for (std::string_view word : *words)
        for_each_row(word, [&](std::string_view key, std::string_view value) -> Result<void> {
            const std::string problem = parameter.name == "sender_dependent_relayhost_maps"
                                            ? routing::nexthop_problem(value, ports)
                                            : route_problem(subject, value, ports);
            if (!problem.empty() && !equal_ignoring_case(value, "DUNNO"))
                rules.report(Severity::Warning, parameter.name,
                             fmt::format("{}, row \"{}\": {}: {}; mail for it waits", word, key, value, problem),
                             "correct the row: transport:nexthop (transport(5))", findings);
            return {};
        });
}

// What smtp(8) and lmtp(8) are told besides the nexthop. One setting of main.cf for all services is one finding.
void check_fallback_relays(const Subject& subject, const routing::PortNames& ports, Findings& findings)
{
    std::set<std::string> told;
    for (const config::MasterService& service : subject.master_cf.services) {
        if (!config::is_smtp_client(service))
            continue;
        const Rules rules(subject, &service);
        if (!rules.are_known())
            continue;
        const bool is_lmtp = service.command == "lmtp";
        const std::string& value = rules.get(is_lmtp ? param::smtp_fallback_relay.lmtp() : param::smtp_fallback_relay);
        const std::string_view name = is_lmtp ? "lmtp_fallback_relay" : "smtp_fallback_relay";
        const std::string problem = routing::nexthop_problem(value, ports);
        if (!problem.empty() && told.insert(rules.place(name).text()).second)
            rules.report(Severity::Warning, name, fmt::format("{}: {}: {}; mail for it waits", name, value, problem),
                         correct_nexthop, findings);
    }
}

constexpr const char* stops_routing = "no program that routes mail starts until it is corrected";

void check_own_addresses(const Rules& rules, Findings& findings)
{
    auto own = routing::OwnAddresses::open(rules.get(param::inet_interfaces), rules.get(param::proxy_interfaces));
    if (!own)
        rules.report(Severity::Fatal, "inet_interfaces", own.error().text(), stops_routing, findings);
}

}  // namespace

namespace checks {

void address_classes(const Subject& subject, Findings& findings)
{
    if (!subject.config.problems().empty())
        return;
    const Rules rules = rules_of_routing(subject);
    if (!rules.are_known())
        return;
    check_own_addresses(rules, findings);
    const match::Options quiet{.tables = {.warn = [](std::string_view) {}}};
    match::Options relay = quiet;
    relay.parents = match::parents_for("relay_domains", rules.get(param::parent_domain_matches_subdomains));
    DomainList all[] = {{"mydestination", rules.get(param::mydestination), {}},
                        {"virtual_alias_domains", rules.get(param::virtual_alias_domains), {}},
                        {"virtual_mailbox_domains", rules.get(param::virtual_mailbox_domains), {}},
                        {"relay_domains", rules.get(param::relay_domains), {}}};
    std::set<std::string> domains;
    for (DomainList& list : all) {
        const bool is_relay = list.parameter == "relay_domains";
        auto parsed = match::List::parse(list.value, is_relay ? match::Kind::Domain : match::Kind::String,
                                         is_relay ? relay : quiet);
        if (!parsed) {
            // What is wrong with a default is wrong with the parameter that it contains.
            if (rules.config().place(list.parameter))
                rules.report(Severity::Fatal, list.parameter, parsed.error().text(), stops_routing, findings);
            continue;
        }
        list.list = std::move(*parsed);
        look_at_patterns(
            list.value, is_relay ? match::Kind::Domain : match::Kind::String,
            [&](std::string_view problem) {
                rules.report(Severity::Error, list.parameter, std::string(problem),
                             "mail for all domains waits until it can be read", findings);
            },
            [](const Error&) {});  // all of the list was parsed
        add_domains(list.value, domains);
    }
    for (const std::string& domain : domains) {
        std::string_view first;
        for (DomainList& list : all) {
            // relay_domains contains $mydestination by intention.
            if ((first == "mydestination" && list.parameter == "relay_domains") || !lists(list, domain))
                continue;
            if (first.empty())
                first = list.parameter;
            else
                report_two(rules, first, list.parameter, domain, findings);
        }
    }
}

void transports(const Subject& subject, Findings& findings)
{
    check_rewrite_service(subject, subject.config.get(param::rewrite_service_name),
                          place_of(subject.config, "rewrite_service_name"), findings);
    for (const config::MasterService& service : subject.master_cf.services)
        for (const auto& [name, value] : service.overrides)
            if (name == "rewrite_service_name")
                check_rewrite_service(subject, value, service.place, findings);
    const Rules rules = rules_of_routing(subject);
    if (!rules.are_known())
        return;
    const RouteParameter routes[] = {{"local_transport", rules.get(param::local_transport)},
                                     {"virtual_transport", rules.get(param::virtual_transport)},
                                     {"relay_transport", rules.get(param::relay_transport)},
                                     {"default_transport", rules.get(param::default_transport)}};
    const routing::PortNames ports(rules.get(param::known_tcp_ports));
    auto report = [&](const RouteParameter& route, const std::string& problem, std::string_view remedy) {
        if (!problem.empty())
            rules.report(Severity::Warning, route.name,
                         fmt::format("{}: {}: {}; mail for it waits", route.name, route.value, problem),
                         std::string(remedy), findings);
    };
    for (const RouteParameter& route : routes) {
        if (!routing::parse_transport(route.value).transport.empty())
            report(route, route_problem(subject, route.value, ports), "correct it, or add the service to master.cf");
        else
            rules.report(Severity::Fatal, route.name,
                         fmt::format("{}: \"{}\" names no transport", route.name, route.value),
                         "expected is transport or transport:nexthop", findings);
    }
    const RouteParameter relayhost{"relayhost", rules.get(param::relayhost)};
    report(relayhost, routing::nexthop_problem(relayhost.value, ports), correct_nexthop);
    check_fallback_relays(subject, ports, findings);
    const RouteParameter tables[] = {
        {"transport_maps", rules.get(param::transport_maps)},
        {"sender_dependent_default_transport_maps", rules.get(param::sender_dependent_default_transport_maps)},
        {"sender_dependent_relayhost_maps", rules.get(param::sender_dependent_relayhost_maps)}};
    for (const RouteParameter& table : tables)
        check_table_rows(subject, rules, table, ports, findings);
}

}  // namespace checks
}  // namespace posthaste::postfix
