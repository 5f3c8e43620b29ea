// tcp_window.cc — see tcp_window.h.
#include "net/tcp_window.h"

#include <atomic>
#include <sys/socket.h>

namespace posthaste::net {

namespace {
std::atomic tcp_window = 0;
}

void set_tcp_window(int bytes) { tcp_window = bytes; }

void apply_tcp_window(int socket)
{
    const int bytes = tcp_window;
    if (bytes == 0)
        return;
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

}  // namespace posthaste::net
