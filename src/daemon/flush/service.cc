// service.cc — see service.h.
#include "daemon/flush/service.h"

#include "base/text.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/commands.h"
#include "param/process.h"
#include "server/queue_options.h"

namespace posthaste::flush {

Service::Service(server::Context& context)
    : context_(&context), flush_(server::queue_options(*context.config), server::queue_manager_socket(*context.config))
{
}

Result<void> Service::before_jail()
{
    const config::Config& config = *context_->config;
    const table::ParentDomains parents =
        match::parents_for("fast_flush_domains", config.get(param::parent_domain_matches_subdomains));
    TRY(eligible_,
        match::List::parse(config.get(param::fast_flush_domains), match::Kind::Domain, {.parents = parents}));
    return {};
}

Task<void> Service::serve(net::Stream client, net::Endpoint)
{
    const std::chrono::seconds timeout = context_->config->get(param::ipc_timeout);
    ipc::Connection connection(std::move(client));
    if (!co_await connection.handshake(flush_protocol, net::Deadline::after(timeout)))
        co_return;
    for (;;) {
        auto request = co_await connection.receive<Request>(net::Deadline::after(timeout));
        if (!request)
            co_return;
        const Reply reply{.outcome = co_await answer(std::move(*request))};
        if (!co_await connection.send(reply, net::Deadline::after(timeout)))
            co_return;
    }
}

Task<Outcome> Service::answer(Request request)
{
    if (!is_valid_site(request.site))
        co_return Outcome::NotEligible;
    auto listed = co_await eligible_.matches_domain(request.site);
    if (!listed) {
        log::warning("fast_flush_domains: {}", listed.error().text());
        co_return Outcome::Failed;
    }
    if (!*listed)
        co_return Outcome::NotEligible;
    if (!flush_.want(request.site, request.subdomains)) {
        log::warning("too many sites wait to be flushed: {} is refused", request.site);
        co_return Outcome::Failed;
    }
    co_return Outcome::Started;
}

Task<void> Service::trigger(char) { co_return; }

// When the whole system stops, mail waits for the next start anyway.
Task<void> Service::leaving()
{
    if (context_->leaving() != server::Leaving::Soon)
        co_await flush_.finish();
}

}  // namespace posthaste::flush
