// Addresses of sockets: IPv4, IPv6 and UNIX-domain, parsed once and printed the way Postfix prints them.
#pragma once

#include "base/fd.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace posthaste::net {

// A socket address. A value; compares by content.
class Endpoint {
public:
    Endpoint() = default;
    Endpoint(const sockaddr* address, socklen_t length);

    // A numeric address, without or with the brackets and "IPv6:" of an address literal. Invalid otherwise.
    static Result<Endpoint> ip(std::string_view address, std::uint16_t port);
    // Limit if the path does not fit sockaddr_un (107 bytes).
    static Result<Endpoint> unix_path(std::string_view path);
    static Result<Endpoint> of_peer(int fd);    // getpeername
    static Result<Endpoint> of_socket(int fd);  // getsockname

    [[nodiscard]] int family() const { return storage_.ss_family; }
    [[nodiscard]] bool is_unix() const { return family() == AF_UNIX; }
    // "127.0.0.1", "2001:db8::1" (an IPv4-mapped IPv6 address prints as IPv4); the path for UNIX sockets.
    [[nodiscard]] std::string address() const;
    [[nodiscard]] std::uint16_t port() const;
    // "127.0.0.1:25", "[::1]:25", or the path.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
    [[nodiscard]] socklen_t size() const { return size_; }
    // 4 or 16 bytes in network order; IPv4-mapped IPv6 addresses give 4. Empty for UNIX sockets.
    [[nodiscard]] std::string_view bytes() const;
    friend bool operator==(const Endpoint& a, const Endpoint& b);

private:
    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

// The addresses of this machine's network interfaces that are up (getifaddrs).
struct InterfaceAddress {
    std::string name;
    Endpoint address;
    unsigned prefix = 0;  // bits
};
Result<std::vector<InterfaceAddress>> interface_addresses();

struct ListenOptions {
    int backlog = 1024;
    bool v6_only = true;
    mode_t unix_mode = 0666;  // UNIX sockets: mode of the file; an old socket file is replaced
};
// A non-blocking listening (stream) or bound (datagram) socket.
Result<UniqueFd> listen_on(const Endpoint& endpoint, const ListenOptions& options = {});
Result<UniqueFd> bind_datagram(const Endpoint& endpoint, const ListenOptions& options = {});

}  // namespace posthaste::net
