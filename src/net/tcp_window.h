// tcp_window.h — postconf(5) tcp_windowsize: a bound on the window that a peer is offered, for the whole process.
#pragma once

namespace posthaste::net {

// Bytes of the receive and send buffers of TCP sockets that listen_on() and connect() make from now on. 0: the system
// chooses.
void set_tcp_window(int bytes);
// For one socket, before listen(2) or connect(2).
void apply_tcp_window(int socket);

}  // namespace posthaste::net
