// queue_control.cc — see queue_control.h.
#include "server/queue_control.h"

#include "net/endpoint.h"
#include "net/stream.h"

namespace posthaste::server {

Task<Result<ipc::Connection>> connect_to_queue_manager(std::string socket)
{
    const auto deadline = net::Deadline::after(queue_manager_patience);
    CO_TRY(net::Endpoint where, net::Endpoint::unix_path(socket));
    CO_TRY(net::Stream stream, co_await net::connect(where, deadline));
    ipc::Connection connection(std::move(stream));
    CO_TRY(co_await connection.handshake(qmgr::control_protocol, deadline));
    co_return std::move(connection);
}

Task<Result<std::vector<qmgr::ListEntry>>> list_of_queue_manager(std::string socket)
{
    CO_TRY(ipc::Connection connection, co_await connect_to_queue_manager(std::move(socket)));
    CO_TRY(co_await connection.send(qmgr::ControlRequest{qmgr::Command::List, {}},
                                    net::Deadline::after(queue_manager_patience)));
    std::vector<qmgr::ListEntry> entries;
    for (;;) {
        CO_TRY(qmgr::ListEntry entry,
               co_await connection.receive<qmgr::ListEntry>(net::Deadline::after(queue_manager_patience)));
        if (entry.last)
            co_return std::move(entries);
        entries.push_back(std::move(entry));
    }
}

}  // namespace posthaste::server
