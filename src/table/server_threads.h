// server_threads.h — a table's connections through a client library that blocks, on threads of the table's own.
//
// A request goes to a thread that is idle, or to a new one, of which there are at most max_threads; more wait in order.
// Each thread keeps one connection. A table has its own threads because a server that hangs must delay nobody else: not
// the loop, not the lookups of another table, not the thread pool of the process.
//
// A request ends after time_limit whatever the library does. With several hosts each attempt has its share of the time
// that is left, so that a host that hangs leaves time for the next. A host that failed is asked last during
// retry_interval; it is asked nevertheless if all have failed, so that a server that comes back is used at once. A kept
// connection that turns out to be lost is no failure of its host: the request is made once more on a new one.
#pragma once

#include "net/tasks.h"
#include "table/module.h"
#include "table/table.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace posthaste::table {

enum class HostOrder : std::uint8_t {
    AsListed,
    Random,
    RandomUnixFirst,  // those with a UNIX-domain socket, then the others
};

struct ServerHost {
    std::string name;  // for messages
    bool is_unix = false;
    // Runs on a thread of the table.
    std::function<Result<std::unique_ptr<ServerConnection>>(Moment deadline)> connect;
};

struct ServerPlan {
    std::vector<ServerHost> hosts;  // at least one
    HostOrder order = HostOrder::AsListed;
    std::chrono::milliseconds time_limit{10000};
    std::chrono::seconds idle_interval{60};   // a connection that was not used for so long is closed
    std::chrono::seconds retry_interval{60};  // how long a host that failed is asked last
};

// The values of a key, and what is to be logged of it.
struct ServerReply {
    Result<std::optional<std::string>> answer = std::optional<std::string>();
    std::vector<std::string> warnings;
};

// What table `name` answers: the warnings are passed on, and an error is Temporary and in the table's name.
Answer answer_of(ServerReply reply, std::string_view name, const OpenOptions& options);

// A lookup on one connection, on a thread of the table: it must not touch what belongs to the loop's thread. It may add
// to `warnings`. Any error makes the thread close the connection and go on to the next host, but Limit, which is final.
using ServerWork = std::function<Result<std::optional<std::string>>(ServerConnection& connection, Moment deadline,
                                                                    std::vector<std::string>& warnings)>;

// Belongs to one table; requests under way need not end before it is destroyed. Loop's thread.
class ServerThreads {
public:
    explicit ServerThreads(ServerPlan plan);
    // Waits for idle threads only; one that works ends by itself, unheard.
    ~ServerThreads();
    ServerThreads(const ServerThreads&) = delete;
    ServerThreads& operator=(const ServerThreads&) = delete;

    // Errors of the answer: that of the last host; Timeout. The warnings name each host that failed and why.
    net::Task<ServerReply> ask(ServerWork work);

private:
    static constexpr std::size_t max_threads = 8;
    struct Request;
    struct Shared;
    struct Worker;

    void start_thread();

    std::shared_ptr<Shared> shared_;
};

}  // namespace posthaste::table
