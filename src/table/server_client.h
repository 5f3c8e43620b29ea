// server_client.h — requests to a table server (socketmap, tcp, memcache, redis) that never block the event loop.
//
// A request takes an idle connection or makes one, writes, and reads until `complete` has seen a whole reply; the
// connection then waits for the next request. A connection that the server closed in the meantime shows as Closed
// before the first byte of a reply: the request is made once more, on a new one. At most max_connections are in use;
// further requests wait for one, within the same time limit. Every failure is an error with the operating system's or
// the protocol's reason; nothing is remembered of it, so that a server that comes back is used at once.
//
// Host names are looked up when the client is made (before a process enters its jail), and again, on a helper thread,
// when none of the known addresses accepts a connection.
#pragma once

#include "base/result.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "net/tasks.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::table {

// Where a server listens: "inet:host:port", "unix:/path", or "host:port"; a host may be in brackets.
struct ServerAddress {
    std::string path;  // of a UNIX socket; else
    std::string host;
    std::string port;  // a number or the name of a service

    // Invalid: no such form; the text says what is wrong without context.
    static Result<ServerAddress> parse(std::string_view text);
    // As messages name it: "host:port", or the path.
    [[nodiscard]] std::string text() const;
};

// How many bytes of what has been received are the reply; nothing if more must come; Invalid if no reply can begin so.
using CompleteReply = std::function<Result<std::optional<std::size_t>>(std::string_view received)>;

// Belongs to one table; requests under way refer to it. One thread.
class ServerClient {
public:
    ServerClient(ServerAddress address, std::chrono::milliseconds time_limit);

    // The reply without what follows it. `complete` is kept by the request. Errors: Io (no connection: "connect to
    // host:port: reason"), Timeout, Closed (before the reply was whole), and those of `complete`.
    net::Task<Result<std::string>> ask(std::string request, CompleteReply complete);

    // Sent first on every new connection; its reply must be `expected` (redis AUTH, SELECT).
    void set_greeting(std::string request, CompleteReply complete, std::string expected);

private:
    static constexpr std::size_t max_connections = 16;

    struct Connection {
        net::Stream stream;
        bool reused = false;
    };

    net::Task<Result<Connection>> take_connection(net::Deadline deadline);
    net::Task<Result<net::Stream>> connect(net::Deadline deadline);
    net::Task<Result<net::Stream>> connect_to_known(net::Deadline deadline);
    net::Task<Result<void>> look_host_up(net::Deadline deadline);
    static net::Task<Result<std::string>> exchange(net::Stream& stream, std::string_view request,
                                                   const CompleteReply& complete, net::Deadline deadline);
    net::Task<Result<std::string>> ask_within(std::string request, CompleteReply complete, net::Deadline deadline);

    ServerAddress address_;
    std::chrono::milliseconds time_limit_;
    std::vector<net::Endpoint> endpoints_;
    std::vector<net::Stream> idle_;
    net::Semaphore connections_{max_connections};
    std::string greeting_;
    CompleteReply greeting_complete_;
    std::string greeting_reply_;
};

// One line up to and including "\n", of at most `limit` bytes; Limit if it is longer. Nothing: not there yet.
Result<std::optional<std::size_t>> complete_line(std::string_view received, std::size_t limit);

// The reason of an error without "what: " before it; never empty. A number alone is no reason: what it belongs to comes
// with it.
std::string_view reason_of(const Error& error);

}  // namespace posthaste::table
