// sockets.cc — see sockets.h.
#include "daemon/master/sockets.h"

#include "net/endpoint.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace posthaste::master {

using config::ServiceType;

namespace {

constexpr mode_t socket_mode = 0666;
constexpr std::chrono::milliseconds retry_interval{100};

// Opened for reading and writing, so that it never reports an end of file while no writer is there.
Result<UniqueFd> open_fifo(const std::string& path)
{
    if (::mkfifo(path.c_str(), socket_mode) != 0 && errno != EEXIST)
        return fail_errno("make fifo " + path);
    struct stat status{};
    if (::lstat(path.c_str(), &status) == 0 && !S_ISFIFO(status.st_mode)) {
        if (::unlink(path.c_str()) != 0 || ::mkfifo(path.c_str(), socket_mode) != 0)
            return fail_errno("make fifo " + path);
    }
    if (::chmod(path.c_str(), socket_mode) != 0)
        return fail_errno("chmod " + path);
    return open_file(path, O_RDWR | O_NONBLOCK);
}

}  // namespace

Result<UniqueFd> open_socket(const ServiceSpec& spec, const net::Endpoint& address, std::chrono::milliseconds patience)
{
    auto give_up = std::chrono::steady_clock::now() + patience;
    for (;;) {
        auto socket = spec.type == ServiceType::UnixDgram ? net::bind_datagram(address, {.unix_mode = socket_mode})
                                                          : net::listen_on(address, {.unix_mode = socket_mode});
        if (socket || errno != EADDRINUSE || std::chrono::steady_clock::now() >= give_up)
            return socket;
        std::this_thread::sleep_for(retry_interval);
    }
}

Result<std::vector<UniqueFd>> open_sockets(const ServiceSpec& spec, const std::optional<SocketOwner>& owner,
                                           std::chrono::milliseconds patience, const std::vector<OpenSocket>& existing)
{
    std::vector<UniqueFd> sockets;
    if (spec.type == ServiceType::Fifo) {
        TRY(UniqueFd fifo, open_fifo(spec.socket_path));
        sockets.push_back(std::move(fifo));
    }
    for (const net::Endpoint& address : spec.addresses) {
        if (auto open = std::ranges::find(existing, address, &OpenSocket::address); open != existing.end()) {
            sockets.emplace_back(::fcntl(open->fd, F_DUPFD_CLOEXEC, 0));
            continue;
        }
        auto socket = open_socket(spec, address, patience);
        if (!socket)
            return fail(std::move(socket).error().in("service \"" + spec.name + "\""));
        sockets.push_back(std::move(*socket));
    }
    if (owner && !spec.socket_path.empty() && ::lchown(spec.socket_path.c_str(), owner->uid, owner->gid) != 0)
        return fail_errno("change owner of " + spec.socket_path);
    return sockets;
}

}  // namespace posthaste::master
