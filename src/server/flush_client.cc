// flush_client.cc — see flush_client.h.
#include "server/flush_client.h"

#include "net/endpoint.h"
#include "net/stream.h"

#include <chrono>

namespace posthaste::server {

namespace {

// The service looks a domain up, and is started first if it does not run.
constexpr std::chrono::seconds patience{60};

}  // namespace

Task<Result<flush::Outcome>> ask_flush_service(std::string service, flush::Request request)
{
    const auto deadline = net::Deadline::after(patience);
    CO_TRY(net::Endpoint where, net::Endpoint::unix_path("public/" + service));
    CO_TRY(net::Stream stream, co_await net::connect(where, deadline));
    ipc::Connection connection(std::move(stream));
    CO_TRY(co_await connection.handshake(flush::flush_protocol, deadline));
    CO_TRY(co_await connection.send(request, deadline));
    CO_TRY(flush::Reply reply, co_await connection.receive<flush::Reply>(deadline));
    co_return reply.outcome;
}

}  // namespace posthaste::server
