// generic.h — addresses as the world shall see them: postconf(5) smtp_generic_maps, generic(5).
//
// The opposite of canonical(5): envelope and headers are rewritten when mail leaves, once (an answer is not looked up
// again), and nothing in the queue changes. A table that does not answer puts the mail off.
#pragma once

#include "config/config.h"
#include "daemon/smtp/outgoing.h"
#include "daemon/smtp/settings.h"
#include "intake/address_table.h"
#include "routing/router.h"
#include "server/delivery_job.h"

#include <expected>
#include <memory>
#include <string>

namespace posthaste::smtp_client {

// Life time: the process. Made before the jail. Loop's thread only.
class Generic {
public:
    // Null where no table is named. Invalid: the value is no list of tables.
    static Result<std::unique_ptr<Generic>> open(std::shared_ptr<const config::Config> config, Dialect dialect);

    // What leaves instead of the job's addresses and header; the job outlives the call.
    Task<std::expected<Outgoing, dsn::Outcome>> rewrite(const server::Job* job);

private:
    Generic() = default;
    Task<intake::Accepted<std::string>> look_up(std::string address);
    Task<intake::Accepted<Outgoing>> rewrite_all(const server::Job* job);

    std::unique_ptr<routing::Router> router_;
    intake::AddressTable table_;
    std::size_t token_limit_ = 0;
};

}  // namespace posthaste::smtp_client
