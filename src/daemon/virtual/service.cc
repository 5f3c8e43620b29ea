// service.cc — see service.h.
#include "daemon/virtual/service.h"

#include "address/fold.h"
#include "base/text.h"
#include "mailbox/content.h"
#include "param/basics.h"
#include "param/local.h"
#include "param/rewrite.h"
#include "param/virtual.h"
#include "routing/owner_and_request.h"
#include "table/settings.h"

#include <fmt/format.h>

namespace posthaste::virtual_agent {

namespace {

constexpr std::string_view relay = "virtual";

}  // namespace

Result<void> Service::before_jail()
{
    TRY(mailboxes_, table::open_maps(config(), param::virtual_mailbox_maps));
    TRY(uids_, table::open_maps(config(), param::virtual_uid_maps));
    TRY(gids_, table::open_maps(config(), param::virtual_gid_maps));
    TRY(mbox_.locks, mailbox::parse_lock_methods(config().get(param::virtual_mailbox_lock)));
    mbox_.lock_attempts = static_cast<int>(config().get(param::deliver_lock_attempts));
    mbox_.lock_delay = config().get(param::deliver_lock_delay);
    mbox_.stale_lock = config().get(param::stale_lock_time);
    mbox_.size_limit = config().get(param::virtual_mailbox_limit);
    mbox_.require_owner = config().get(param::strict_mailbox_ownership);
    return {};
}

Task<server::Outcomes> Service::deliver(server::JobPtr job)
{
    server::Outcomes outcomes;
    for (std::size_t i = 0; i < job->recipients().size(); ++i) {
        server::RecipientOutcome item;
        item.recipient = i;
        item.outcome = co_await deliver_to(job, i);
        item.outcome.relay = relay;
        outcomes.push_back(std::move(item));
    }
    co_return outcomes;
}

table::AddressSearch Service::search() const
{
    table::AddressSearch search;
    search.order = table::AddressOrder::Mailbox;
    search.recipient_delimiter = config().get(param::recipient_delimiter);
    search.names = routing::owner_and_request(config());
    return search;
}

Task<Result<unsigned>> Service::id_of(table::Maps* maps, std::string address, std::string_view parameter)
{
    CO_TRY(auto hit, co_await maps->find_address(address, search()));
    if (!hit)
        co_return fail(ErrorKind::NotFound, fmt::format("recipient {}: not found in {}", address, parameter));
    auto number = parse_number<unsigned>(trim(hit->value));
    if (!number)
        co_return fail(ErrorKind::Invalid,
                       fmt::format("recipient {}: bad value in {}: {}", address, parameter, hit->value));
    co_return *number;
}

Task<std::expected<Service::Place, dsn::Outcome>> Service::place_of(std::string address)
{
    auto misconfigured = [](std::string text) {
        return std::unexpected(dsn::Outcome::deferred({4, 3, 5}, std::move(text)));
    };
    auto path = co_await mailboxes_.find_address(address, search());
    if (!path)
        co_return std::unexpected(dsn::Outcome::deferred({4, 3, 0}, path.error().text()));
    if (!*path)
        co_return std::unexpected(dsn::Outcome::bounced({5, 1, 1}, "unknown user: \"" + address + "\""));
    auto uid = co_await id_of(&uids_, address, "virtual_uid_maps");
    auto gid = co_await id_of(&gids_, address, "virtual_gid_maps");
    if (!uid || !gid)
        co_return misconfigured(!uid ? uid.error().text() : gid.error().text());
    if (*uid < static_cast<unsigned>(config().get(param::virtual_minimum_uid)))
        co_return misconfigured(fmt::format("recipient {}: bad uid {} in virtual_uid_maps", address, *uid));
    const std::string& base = config().get(param::virtual_mailbox_base);
    std::string where = (*path)->value;
    if (where.starts_with('/') && base.empty())
        where.erase(0, 1);
    if (("/" + where + "/").find("/../") != std::string::npos)
        co_return misconfigured(fmt::format("recipient {}: mailbox path {} has a .. component", address, where));
    Place place;
    place.path = base + "/" + where;
    place.account.name = fmt::format("{}", *uid);
    place.account.uid = *uid;
    place.account.gid = *gid;
    co_return place;
}

Task<dsn::Outcome> Service::deliver_to(server::JobPtr job, std::size_t recipient)
{
    const std::string address = address::fold_case(job->recipients()[recipient].address);
    if (mailbox::was_delivered_to(job->message().content(), address))
        co_return dsn::Outcome::bounced({5, 4, 6}, "mail forwarding loop for " + address);
    auto place = co_await place_of(address);
    if (!place)
        co_return place.error();
    if (job->verify_only())
        co_return dsn::Outcome::delivered({2, 0, 0}, "delivers to mailbox");

    mailbox::Delivery delivery;
    delivery.path = place->path;
    delivery.user = address;
    const queue::Recipient& received = *job->recipients()[recipient].envelope;
    delivery.headers = mailbox::delivery_headers(
        {.return_path = job->sender(), .original_to = received.original_address(), .delivered_to = address});
    delivery.from_line = mailbox::from_line(job->sender());
    delivery.content = job->message().content();
    std::string host = config().get(param::myhostname);
    mailbox::MboxOptions options = mbox_;
    const auto turn = co_await turns_.take(delivery.path, net::Deadline::after(options.patience()));
    co_return co_await mailbox::run_as(place->account, options.time_limit(), [&delivery, &options, &host] {
        return mailbox::deliver(delivery, options, host);
    });
}

}  // namespace posthaste::virtual_agent
