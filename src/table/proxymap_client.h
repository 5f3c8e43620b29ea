// proxymap_client.h — asks proxymap(8): one connection a process, socket and table, on which requests are pipelined. Of
// a table of their own, so that one that is slow holds up no other: the answers of a connection come in order.
//
// A connection that breaks (proxymap was replaced at a reload) is made anew and the request repeated once. Every other
// failure is a Temporary error: no such socket, no answer within proxymap_patience, a table that is not approved.
#pragma once

#include "daemon/proxymap/protocol.h"
#include "ipc/connection.h"

#include <chrono>
#include <memory>
#include <string>

namespace posthaste::table {

constexpr std::chrono::seconds proxymap_patience{30};

// Shared by those who ask; lives on the loop's thread.
class ProxymapClient {
public:
    // The one for this table at this socket, for as long as somebody keeps it.
    static std::shared_ptr<ProxymapClient> at(const std::string& socket, const std::string& table);

    explicit ProxymapClient(std::string socket);

    // A reply is Ok or NotFound.
    net::Task<Result<proxymap::Reply>> ask(proxymap::Request request);

private:
    [[nodiscard]] Error unreachable(const Error& error) const;

    std::string socket_;
    ipc::Client client_;
};

}  // namespace posthaste::table
