// service.cc — see service.h.
#include "daemon/smtp/service.h"

#include "daemon/smtp/delivery.h"
#include "param/basics.h"
#include "param/smtp.h"

namespace posthaste::smtp_client {

Result<void> Service::before_jail()
{
    Dialect dialect = context().process_name == "lmtp" ? Dialect::Lmtp : Dialect::Smtp;
    TRY(Settings settings, read_settings(config(), dialect));
    TRY(std::vector<std::string> servers, dns::parse_servers(config().get(param::dns_servers)));
    dns::ResolverOptions options;
    options.servers = std::move(servers);
    options.validate = settings.validate_dns;
    TRY(std::unique_ptr<dns::Resolver> resolver, dns::Resolver::open(std::move(options)));
    TRY(routing::OwnAddresses own_addresses,
        routing::OwnAddresses::open(config().get(param::inet_interfaces), config().get(param::proxy_interfaces)));
    auto destinations = dialect == Dialect::Lmtp ? param::smtp_connection_cache_destinations.lmtp()
                                                 : param::smtp_connection_cache_destinations;
    TRY(match::List keep, match::List::parse(config().get(destinations), match::Kind::String));
    client_ =
        std::make_unique<Client>(std::move(settings), std::move(resolver), std::move(own_addresses), std::move(keep));
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
