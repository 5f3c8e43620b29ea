// service.cc — see service.h.
#include "daemon/trivial-rewrite/service.h"

#include "param/process.h"

namespace posthaste::trivial_rewrite {

namespace {

Task<Result<Reply>> answer(std::shared_ptr<routing::Router> router, Request request)
{
    Reply reply{.ok = true};
    if (request.command == Command::Canonical) {
        reply.address = router->canonical_form(request.address, request.context);
        co_return reply;
    }
    if (request.command == Command::Class) {
        CO_TRY(reply.address_class, co_await router->class_of(request.address));
        co_return reply;
    }
    CO_TRY(routing::Route route, co_await router->resolve(request.sender, request.address));
    if (request.command == Command::Check) {
        CO_TRY(routing::RecipientStatus status, co_await router->check_recipient(request.address, route));
        reply.known = status.known;
        reply.code = std::move(status.code);
        reply.text = std::move(status.text);
    }
    reply.address_class = route.address_class;
    reply.transport = std::move(route.transport);
    reply.nexthop = std::move(route.nexthop);
    reply.sender_routed = route.sender_routed;
    reply.malformed = route.malformed;
    reply.address = std::move(route.recipient);
    co_return reply;
}

}  // namespace

Result<void> Service::before_jail()
{
    TRY(router_, routing::Router::open_as_service(context_->config));
    return {};
}

Task<Result<void>> Service::on_reload(std::shared_ptr<const config::Config> config)
{
    CO_TRY(router_, routing::Router::open_as_service(std::move(config)));
    co_return Result<void>{};
}

Task<void> Service::serve(net::Stream client, net::Endpoint)
{
    ipc::Connection connection(std::move(client));
    const std::chrono::seconds timeout = context_->config->get(param::ipc_timeout);
    if (!co_await connection.handshake(rewrite_protocol, net::Deadline::after(timeout)))
        co_return;
    for (;;) {
        // Clients keep their connection; one that says nothing costs nothing.
        auto request = co_await connection.receive<Request>(net::Deadline::never());
        if (!request)
            co_return;
        auto reply = co_await answer(router_, std::move(*request));
        if (!reply)
            reply = Reply{.ok = false, .error = reply.error().text()};
        if (!co_await connection.send(*reply, net::Deadline::after(timeout)))
            co_return;
    }
}

}  // namespace posthaste::trivial_rewrite
