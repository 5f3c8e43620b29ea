// service.cc — see service.h.
#include "daemon/smtp/service.h"

#include "base/text.h"
#include "daemon/smtp/delivery.h"
#include "log/log.h"
#include "net/tcp_window.h"
#include "param/basics.h"
#include "param/process.h"
#include "param/services.h"
#include "param/smtp.h"
#include "server/refuse.h"

namespace posthaste::smtp_client {

namespace {

// There is no TLS yet, and no login. Mail that must not go out in the clear, or that a relay would return because
// nobody logged in, stays in the queue until the setting is gone.
Result<void> refuse_what_is_missing(const config::Config& config, const std::string& program)
{
    TRY(server::refuse_setting(config, program + "_sasl_auth_enable", {"yes"}));
    TRY(server::refuse_setting(config, program + "_tls_security_level",
                               {"encrypt", "dane-only", "fingerprint", "verify", "secure"}));
    TRY(server::refuse_setting(config, program + "_enforce_tls", {"yes"}));
    TRY(server::refuse_setting(config, program + "_tls_wrappermode", {"yes"}));
    TRY(server::refuse_setting(config, program + "_tls_per_site"));
    return server::refuse_setting(config, program + "_tls_policy_maps");
}

// postconf(5) smtp_dns_reply_filter: IGNORE is the only action there is. What cannot be followed is no answer.
Task<Result<bool>> is_ignored(table::Maps* tables, std::string record)
{
    auto action = co_await tables->find(record);
    if (!action) {
        log::warning("smtp_dns_reply_filter: {}", action.error().text());
        co_return fail(ErrorKind::Temporary, "smtp_dns_reply_filter cannot be read");
    }
    if (!*action)
        co_return false;
    if (equal_ignoring_case(trim(**action), "IGNORE"))
        co_return true;
    log::warning("smtp_dns_reply_filter: unknown action \"{}\" for \"{}\"", **action, record);
    co_return fail(ErrorKind::Temporary, "smtp_dns_reply_filter has an unknown action");
}

Result<std::unique_ptr<dns::Resolver>> open_resolver(const Settings& settings, const std::string& dns_servers)
{
    dns::ResolverOptions options{
        .validate = settings.validate_dns, .probe = settings.dnssec_probe, .search = settings.dns_search};
    TRY(options.servers, dns::parse_servers(dns_servers));
    if (table::Maps* tables = settings.dns_reply_filter.get())
        options.drops = [tables](std::string record) { return is_ignored(tables, std::move(record)); };
    return dns::Resolver::open(std::move(options));
}

}  // namespace

Result<void> Service::before_jail()
{
    TRY(refuse_what_is_missing(config(), context().process_name == "lmtp" ? "lmtp" : "smtp"));
    Dialect dialect = context().process_name == "lmtp" ? Dialect::Lmtp : Dialect::Smtp;
    TRY(Settings settings, read_settings(config(), dialect));
    net::set_tcp_window(config().get(param::tcp_windowsize));
    TRY(std::unique_ptr<dns::Resolver> resolver, open_resolver(settings, config().get(param::dns_servers)));
    TRY(routing::OwnAddresses own_addresses,
        routing::OwnAddresses::open(config().get(param::inet_interfaces), config().get(param::proxy_interfaces)));
    auto destinations = dialect == Dialect::Lmtp ? param::smtp_connection_cache_destinations.lmtp()
                                                 : param::smtp_connection_cache_destinations;
    TRY(match::List keep, match::List::parse(config().get(destinations), match::Kind::String));
    client_ =
        std::make_unique<Client>(std::move(settings), std::move(resolver), std::move(own_addresses), std::move(keep));
    TRY(client_->generic, Generic::open(context().config, dialect));
    if (client_->settings.notifies_protocol)
        client_->bounce = std::make_unique<ipc::Client>("private/" + config().get(param::bounce_service_name),
                                                        bounce::bounce_protocol);
    return {};
}

Task<server::Outcomes> Service::deliver(server::JobPtr job)
{
    Delivery delivery(*client_, std::move(job));
    co_return co_await delivery.run();
}

Task<void> Service::leaving()
{
    co_await DeliveryService::leaving();
    client_->pool.close_all();
}

}  // namespace posthaste::smtp_client
