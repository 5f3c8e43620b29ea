// endpoint.cc — see endpoint.h.
#include "net/endpoint.h"

#include "net/tcp_window.h"

#include <algorithm>
#include <arpa/inet.h>
#include <bit>
#include <cerrno>
#include <cstring>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace posthaste::net {

namespace {

const sockaddr_in& v4(const sockaddr_storage& storage) { return reinterpret_cast<const sockaddr_in&>(storage); }
const sockaddr_in6& v6(const sockaddr_storage& storage) { return reinterpret_cast<const sockaddr_in6&>(storage); }

}  // namespace

Endpoint::Endpoint(const sockaddr* address, socklen_t length)
{
    size_ = std::min<socklen_t>(length, sizeof storage_);
    std::memcpy(&storage_, address, size_);
}

Result<Endpoint> Endpoint::ip(std::string_view address, std::uint16_t port)
{
    if (address.size() > 2 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2);
    if (address.starts_with("IPv6:") || address.starts_with("ipv6:"))
        address.remove_prefix(5);
    std::string text(address);
    sockaddr_in in4{};
    if (::inet_pton(AF_INET, text.c_str(), &in4.sin_addr) == 1) {
        in4.sin_family = AF_INET;
        in4.sin_port = htons(port);
        return Endpoint(reinterpret_cast<sockaddr*>(&in4), sizeof in4);
    }
    sockaddr_in6 in6{};
    if (::inet_pton(AF_INET6, text.c_str(), &in6.sin6_addr) == 1) {
        in6.sin6_family = AF_INET6;
        in6.sin6_port = htons(port);
        return Endpoint(reinterpret_cast<sockaddr*>(&in6), sizeof in6);
    }
    return fail(ErrorKind::Invalid, "not an IP address: " + text);
}

Result<Endpoint> Endpoint::unix_path(std::string_view path)
{
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path)
        return fail(ErrorKind::Limit, "socket path is longer than 107 bytes: " + std::string(path));
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return Endpoint(reinterpret_cast<sockaddr*>(&address), sizeof address);
}

Result<Endpoint> Endpoint::of_peer(int fd)
{
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0)
        return fail_errno("getpeername");
    return Endpoint(reinterpret_cast<sockaddr*>(&storage), size);
}

Result<Endpoint> Endpoint::of_socket(int fd)
{
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0)
        return fail_errno("getsockname");
    return Endpoint(reinterpret_cast<sockaddr*>(&storage), size);
}

std::string_view Endpoint::bytes() const
{
    if (family() == AF_INET)
        return {reinterpret_cast<const char*>(&v4(storage_).sin_addr), 4};
    if (family() != AF_INET6)
        return {};
    const in6_addr& address = v6(storage_).sin6_addr;
    const char* first = reinterpret_cast<const char*>(&address);
    return IN6_IS_ADDR_V4MAPPED(&address) ? std::string_view(first + 12, 4) : std::string_view(first, 16);
}

std::string Endpoint::address() const
{
    if (is_unix())
        return reinterpret_cast<const sockaddr_un&>(storage_).sun_path;
    char buffer[INET6_ADDRSTRLEN] = "";
    std::string_view raw = bytes();
    if (!raw.empty())
        ::inet_ntop(raw.size() == 4 ? AF_INET : AF_INET6, raw.data(), buffer, sizeof buffer);
    return buffer;
}

std::uint16_t Endpoint::port() const
{
    if (family() == AF_INET)
        return ntohs(v4(storage_).sin_port);
    if (family() == AF_INET6)
        return ntohs(v6(storage_).sin6_port);
    return 0;
}

std::string Endpoint::text() const
{
    if (is_unix())
        return address();
    bool six = bytes().size() == 16;
    return (six ? "[" : "") + address() + (six ? "]:" : ":") + std::to_string(port());
}

bool operator==(const Endpoint& a, const Endpoint& b)
{
    return a.family() == b.family() && a.port() == b.port() && a.bytes() == b.bytes() &&
           (!a.is_unix() || a.address() == b.address());
}

Result<std::vector<InterfaceAddress>> interface_addresses()
{
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0)
        return fail_errno("getifaddrs");
    std::vector<InterfaceAddress> result;
    for (const ifaddrs* item = list; item; item = item->ifa_next) {
        if (!item->ifa_addr || !(item->ifa_flags & IFF_UP))
            continue;
        int family = item->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6)
            continue;
        InterfaceAddress entry;
        entry.name = item->ifa_name;
        entry.address = Endpoint(item->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        if (item->ifa_netmask) {
            Endpoint mask(item->ifa_netmask, entry.address.size());
            for (char byte : family == AF_INET
                                 ? std::string_view(reinterpret_cast<const char*>(
                                                        &reinterpret_cast<const sockaddr_in*>(mask.data())->sin_addr),
                                                    4)
                                 : std::string_view(reinterpret_cast<const char*>(
                                                        &reinterpret_cast<const sockaddr_in6*>(mask.data())->sin6_addr),
                                                    16))
                entry.prefix += static_cast<unsigned>(std::popcount(static_cast<unsigned char>(byte)));
        }
        result.push_back(std::move(entry));
    }
    ::freeifaddrs(list);
    return result;
}

namespace {

Result<UniqueFd> bound_socket(const Endpoint& endpoint, int type, const ListenOptions& options)
{
    UniqueFd fd(::socket(endpoint.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd)
        return fail_errno("socket");
    int one = 1;
    if (endpoint.is_unix()) {
        if (::unlink(endpoint.address().c_str()) != 0 && errno != ENOENT)
            return fail_errno("unlink " + endpoint.address());
    } else {
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        apply_tcp_window(fd.get());
        int v6_only = options.v6_only ? 1 : 0;
        if (endpoint.family() == AF_INET6)
            ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
    }
    if (::bind(fd.get(), endpoint.data(), endpoint.size()) != 0)
        return fail_errno("bind " + endpoint.text());
    if (endpoint.is_unix() && ::chmod(endpoint.address().c_str(), options.unix_mode) != 0)
        return fail_errno("chmod " + endpoint.address());
    return fd;
}

}  // namespace

Result<UniqueFd> listen_on(const Endpoint& endpoint, const ListenOptions& options)
{
    TRY(UniqueFd fd, bound_socket(endpoint, SOCK_STREAM, options));
    if (::listen(fd.get(), options.backlog) != 0)
        return fail_errno("listen on " + endpoint.text());
    return fd;
}

Result<UniqueFd> bind_datagram(const Endpoint& endpoint, const ListenOptions& options)
{
    return bound_socket(endpoint, SOCK_DGRAM, options);
}

}  // namespace posthaste::net
