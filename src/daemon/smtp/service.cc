// service.cc — see service.h.
#include "daemon/smtp/service.h"

#include "daemon/smtp/delivery.h"
#include "param/basics.h"

namespace posthaste::smtp_client {

Result<void> Service::before_jail()
{
    Dialect dialect = context().process_name == "lmtp" ? Dialect::Lmtp : Dialect::Smtp;
    TRY(settings_, read_settings(config(), dialect));
    TRY(std::vector<std::string> servers, dns::parse_servers(config().get(param::dns_servers)));
    dns::ResolverOptions options;
    options.servers = std::move(servers);
    options.validate = settings_.validate_dns;
    TRY(resolver_, dns::Resolver::open(std::move(options)));
    TRY(own_addresses_,
        routing::OwnAddresses::open(config().get(param::inet_interfaces), config().get(param::proxy_interfaces)));
    finder_.emplace(settings_, *resolver_, *own_addresses_);
    pool_.emplace(settings_);
    return {};
}

Task<server::Outcomes> Service::deliver(server::JobPtr job)
{
    Delivery delivery(settings_, *finder_, *pool_, std::move(job));
    co_return co_await delivery.run();
}

Task<void> Service::leaving()
{
    co_await DeliveryService::leaving();
    pool_->close_all();
}

}  // namespace posthaste::smtp_client
