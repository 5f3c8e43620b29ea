// client.h — what all deliveries of the process share.
//
// Life time: the process. Made before the jail; the parts refer to each other, so that it is never moved.
#pragma once

#include "daemon/bounce/protocol.h"
#include "daemon/smtp/generic.h"
#include "daemon/smtp/session_pool.h"
#include "daemon/smtp/settings.h"
#include "daemon/smtp/targets.h"
#include "dns/resolver.h"
#include "match/list.h"
#include "routing/own_addresses.h"

#include <memory>

namespace posthaste::smtp_client {

struct Client {
    Client(Settings settings_, std::unique_ptr<dns::Resolver> resolver_, routing::OwnAddresses own_addresses_,
           match::List cache_destinations_)
        : settings(std::move(settings_)), resolver(std::move(resolver_)), own_addresses(std::move(own_addresses_)),
          cache_destinations(std::move(cache_destinations_)), finder(settings, *resolver, own_addresses), pool(settings)
    {
    }

    Settings settings;
    std::unique_ptr<dns::Resolver> resolver;
    routing::OwnAddresses own_addresses;
    match::List cache_destinations;  // smtp_connection_cache_destinations
    TargetFinder finder;
    SessionPool pool;
    std::unique_ptr<Generic> generic;     // null: addresses leave as they are
    std::unique_ptr<ipc::Client> bounce;  // for notices to the postmaster; null if none are wanted
};

}  // namespace posthaste::smtp_client
