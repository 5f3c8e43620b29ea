// The listening sockets of the services. They belong to master for as long as the service is in master.cf: clients
// that connect while no process runs, or while one is replaced, wait in them.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "daemon/master/service_spec.h"

#include <chrono>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace posthaste::master {

struct SocketOwner {
    uid_t uid = 0;
    gid_t gid = 0;
};

struct OpenSocket {
    net::Endpoint address;
    int fd = -1;
};

// How long a start waits for addresses that the processes of a master that was killed still hold.
constexpr std::chrono::seconds start_patience{10};

// One socket of a service; an address that is taken is tried again for up to patience. After an error, errno says why.
Result<UniqueFd> open_socket(const ServiceSpec& spec, const net::Endpoint& address, std::chrono::milliseconds patience);

// Opens all sockets of a service, in the order of its addresses. UNIX sockets and fifos get mode 0666, as Postfix's
// (their directories decide who may connect), and this owner. Where an address is open already, the same socket is used
// again.
Result<std::vector<UniqueFd>> open_sockets(const ServiceSpec& spec, const std::optional<SocketOwner>& owner,
                                           std::chrono::milliseconds patience,
                                           const std::vector<OpenSocket>& existing = {});

}  // namespace posthaste::master
