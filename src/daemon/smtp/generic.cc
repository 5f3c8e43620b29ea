// generic.cc — see generic.h.
#include "daemon/smtp/generic.h"

#include "intake/header_addresses.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/rewrite.h"
#include "param/smtp.h"

#include <fmt/format.h>

namespace posthaste::smtp_client {

Result<std::unique_ptr<Generic>> Generic::open(std::shared_ptr<const config::Config> config, Dialect dialect)
{
    const auto parameter = dialect == Dialect::Lmtp ? param::smtp_generic_maps.lmtp() : param::smtp_generic_maps;
    const std::string& tables = config->get(parameter);
    std::unique_ptr<Generic> generic;
    if (tables.empty())
        return generic;
    generic.reset(new Generic());
    TRY(generic->router_, routing::Router::open(config, routing::Purpose::Routing));
    const auto extensions = intake::lists_word(config->get(param::propagate_unmatched_extensions), "generic")
                                ? intake::Extensions::Propagate
                                : intake::Extensions::Drop;
    TRY(generic->table_,
        intake::AddressTable::open("smtp_generic_maps", tables, *config, *generic->router_, extensions));
    generic->token_limit_ = static_cast<std::size_t>(config->get(param::header_address_token_limit));
    return generic;
}

Task<std::expected<Outgoing, dsn::Outcome>> Generic::rewrite(const server::Job* job)
{
    auto rewritten = co_await rewrite_all(job);
    if (rewritten)
        co_return std::move(*rewritten);
    const intake::Rejection& why = rewritten.error();
    log::warning("{}: smtp_generic_maps: {}", job->envelope().queue_id, why.detail.empty() ? why.text : why.detail);
    co_return std::unexpected(dsn::Outcome::deferred({4, 3, 0}, "smtp_generic_maps lookup failure"));
}

Task<intake::Accepted<Outgoing>> Generic::rewrite_all(const server::Job* job)
{
    Outgoing out;
    if (!job->sender().empty()) {
        auto sender = co_await look_up(job->sender());
        if (!sender)
            co_return std::unexpected(std::move(sender.error()));
        out.sender = std::move(*sender);
    }
    for (const server::JobRecipient& recipient : job->recipients()) {
        auto address = co_await look_up(recipient.address);
        if (!address)
            co_return std::unexpected(std::move(address.error()));
        out.recipients.push_back(std::move(*address));
    }
    auto header = co_await intake::rewrite_stored_header(
        [this](std::string address, intake::HeaderRole) { return look_up(std::move(address)); },
        job->message().content().substr(0, job->message().facts().header_size), token_limit_);
    if (!header)
        co_return std::unexpected(std::move(header.error()));
    out.header = std::move(*header);
    co_return out;
}

// generic(5): the first answer counts; nothing is an address by itself where there is more than one.
Task<intake::Accepted<std::string>> Generic::look_up(std::string address)
{
    auto found = co_await table_.find(address);
    if (!found)
        co_return std::unexpected(std::move(found.error()));
    if (found->empty())
        co_return address;
    if (found->size() > 1)
        log::warning("smtp_generic_maps: more than one address for {}: only the first counts", address);
    co_return std::move(found->front());
}

}  // namespace posthaste::smtp_client
