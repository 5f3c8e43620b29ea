// Runtime: the part of a service process that is the same for all: it accepts clients within the service's limit,
// talks to master, leaves when idle or told to, and watches that the loop keeps turning.
//
// Leaving: the listening sockets are closed (clients that wait in them are the successor's), connections of other
// processes of ours are shut down for reading (requests that have arrived are still answered), clients from the
// network end by themselves. When no client is left, Service::leaving() runs and the loop stops.
#pragma once

#include "net/stream.h"
#include "net/tasks.h"
#include "server/server.h"

#include <list>
#include <memory>
#include <optional>
#include <string>

namespace posthaste::server {

// Life time: from before the jail to the exit. Loop's thread only.
class Runtime {
public:
    Runtime(Context& context, Hooks hooks);
    ~Runtime();
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;

    // Takes over descriptors 4 and 5 and reads master's Hello.
    Result<void> meet_master();
    // Serves until the process is to leave. The listening sockets are the descriptors from 6.
    void serve_sockets(int count);
    // One client on standard input and output.
    void serve_standard_input();

private:
    using Sockets = std::list<net::Listener>;
    // A duplicate of a client's socket: shut down for reading when the process leaves.
    using ReadEnds = std::list<UniqueFd>;

    Task<void> accept_clients(Sockets::iterator socket);
    Task<void> receive_datagrams(Sockets::iterator socket);
    Task<void> receive_fifo(Sockets::iterator socket);
    [[nodiscard]] bool limits_clients() const;
    Task<bool> wait_for_room();
    bool enter();
    void entered(net::Listener::Accepted accepted);
    void left();
    void measure_load();
    Task<void> pause_without_descriptors(std::string reason);

    Task<void> serve_client(net::Stream stream, net::Endpoint peer);
    Task<void> serve_first(net::Stream stream, net::Endpoint peer);
    Task<void> serve_passed(net::Stream from);
    Task<void> serve_triggers(net::Stream stream);

    Task<void> follow_master();
    Task<void> reload(std::string main_cf);
    void report();
    void set_state(Scoreboard::State state);
    Task<void> run_main();
    void begin_to_leave();
    Task<void> finish();
    void check_idle();
    void look_at_tables();
    void arm_watchdog();

    Context& context_;
    Hooks hooks_;
    std::unique_ptr<net::Listener> master_;  // not a listener: readiness and ownership of the socket to master
    Scoreboard* scoreboard_ = nullptr;
    Scoreboard::Slot* slot_ = nullptr;
    std::uint32_t processes_ = 1;  // that may share the clients
    bool saturated_ = false;       // the loop hardly rests
    net::Clock::time_point load_since_{};
    net::Clock::duration rested_before_{};
    net::Timer load_timer_{[this] { measure_load(); }};
    std::uint32_t client_count_ = 0;
    std::uint32_t reloads_done_ = 0;
    bool at_limit_ = false;
    bool out_of_descriptors_ = false;
    bool leaving_begun_ = false;
    Sockets sockets_;
    ReadEnds read_ends_;
    net::Event room_;
    net::Clock::time_point last_use_ = net::Clock::now();
    net::Timer idle_timer_;
    net::Timer table_timer_;
    net::Timer watchdog_timer_;
    net::Timer stop_timer_;
    net::TaskGroup client_tasks_;
    std::unique_ptr<net::TaskGroup> main_task_ = std::make_unique<net::TaskGroup>();
    net::TaskGroup tasks_;
};

}  // namespace posthaste::server
