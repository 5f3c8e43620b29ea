// One service of master.cf at run time: its sockets, its processes, its timers.
//
// A process is started when a client waits in a socket and no process of the service takes clients; who does the
// accepting is none of master's business afterwards. Nothing here happens per client or per message.
#pragma once

#include "daemon/master/process.h"
#include "daemon/master/service_spec.h"
#include "daemon/master/sockets.h"
#include "net/tasks.h"

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>

namespace posthaste::master {

// What all services need to know of the whole.
struct Common {
    std::chrono::seconds throttle_time{60};
    unsigned processes_per_service = 1;  // for services whose clients are spread over processes
    int verbosity = 0;
    bool root = false;
};

// Owned by the Supervisor; lives until its line has left master.cf and its last process has ended.
class Service {
public:
    Service(const Common& common, ServiceSpec spec, std::vector<UniqueFd> sockets,
            std::unique_ptr<SharedScoreboard> scoreboard);

    void start();
    // After a reload: the same service, perhaps with another line, and with new sockets unless nullopt (the old ones
    // stay). Processes that can take main_cf in place get it; the others leave.
    void change(ServiceSpec spec, std::optional<std::vector<UniqueFd>> sockets, const std::string& main_cf);
    // The open sockets and their addresses, for a change that keeps some of them.
    [[nodiscard]] std::vector<OpenSocket> open_addresses() const;
    // The line has gone from master.cf: no new clients, processes leave.
    void remove();
    void stop(server::Command command);
    void kill();  // SIGKILL to what is left

    // True if pid was ours; status as of waitpid(2).
    bool ended(pid_t pid, int status);
    // No process works for new clients with the configuration of before the last change.
    [[nodiscard]] bool has_changed_over() const;
    [[nodiscard]] bool has_processes() const { return !processes_.empty(); }
    [[nodiscard]] bool is_removed() const { return removed_; }
    [[nodiscard]] const ServiceSpec& spec() const { return spec_; }

private:
    using ProcessPtr = std::shared_ptr<Process>;

    Task<void> watch(net::Listener* socket);
    Task<void> follow(ProcessPtr process);
    enum class Heard : unsigned char { Status, NothingYet, End };
    Heard read_status(Process& process);
    void start_processes();
    bool start_process();
    void throttle();
    void wake_up();
    void schedule_wakeup();
    void note_limit();
    void refresh_demand();
    void explain_end(const Process& process, int status);
    [[nodiscard]] std::size_t staying_processes() const;
    [[nodiscard]] std::size_t sharing_processes() const;
    [[nodiscard]] std::size_t wanted_processes() const;
    [[nodiscard]] bool may_start() const;
    [[nodiscard]] std::vector<std::string> command_line() const;

    const Common& common_;
    ServiceSpec spec_;
    std::unique_ptr<SharedScoreboard> scoreboard_;
    std::list<net::Listener> sockets_;
    std::list<ProcessPtr> processes_;
    server::ProcessModel model_ = server::ProcessModel::Processes;
    bool removed_ = false;
    bool stopping_ = false;
    bool killed_ = false;
    bool throttled_ = false;
    bool used_ = false;  // a process has been started since master began
    unsigned quick_failures_ = 0;
    std::optional<net::Clock::time_point> limit_noted_;
    net::Event demand_;  // set while a waiting client is a reason to start a process
    net::Timer wakeup_timer_;
    net::Timer throttle_timer_;
    net::TaskGroup followers_;
    std::unique_ptr<net::TaskGroup> watchers_;  // replaced together with the sockets
};

}  // namespace posthaste::master
