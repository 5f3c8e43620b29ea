// The Supervisor: all services of one master.cf, and what happens to them as a whole: start, reload, stop.
#pragma once

#include "base/fd.h"
#include "config/config.h"
#include "daemon/master/service.h"
#include "daemon/master/sockets.h"

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace posthaste::master {

// Life time: that of the master process. The working directory is queue_directory.
class Supervisor {
public:
    Supervisor(std::shared_ptr<const config::Config> config, int verbosity);

    // Opens every socket and begins. An error leaves nothing running.
    Result<void> start();
    // Reads main.cf and master.cf again. What is wrong with them is logged, and everything stays as it is. `done` is
    // called when no new client meets the old configuration any more.
    void reload(std::function<void()> done);
    // Ends every process, politely for some seconds and then not, and stops the loop. In turns: first who takes or
    // delivers mail, then whom those ask and report to, then whom the latter ask, postlogd last.
    void stop();
    // The same at once.
    void abort();
    // After SIGCHLD.
    void reap();

private:
    // A service that stays, with what its line says now; sockets: none if its addresses are the same.
    struct Change {
        Service* service;
        ServiceSpec spec;
        std::optional<std::vector<UniqueFd>> sockets;
    };
    struct ChangeOver {
        std::vector<Change> changes;
        std::vector<std::unique_ptr<Service>> added;
    };

    Result<std::unique_ptr<Service>> make_service(const ServiceSpec& spec, std::chrono::milliseconds patience);
    Task<void> wait_for_change_over(std::function<void()> done);
    Result<void> apply(std::shared_ptr<const config::Config> config);
    // Opens what the new master.cf needs and changes nothing.
    Result<ChangeOver> prepare(std::vector<ServiceSpec> specs);
    // Cannot fail. What the new master.cf does not have is removed.
    void perform(ChangeOver change_over, const std::string& main_cf);
    void take_settings();
    enum class Turn : unsigned char { Mail, Helpers, Tables, Log, Over };
    [[nodiscard]] Turn turn_of(const Service& service) const;
    void begin_turn(Turn turn, std::chrono::seconds grace);
    void continue_stop();
    void kill_turn();
    void watch_queue_directory();
    [[nodiscard]] Service* find(const std::string& key);

    std::shared_ptr<const config::Config> config_;
    Common common_;
    std::optional<SocketOwner> owner_;
    std::list<std::unique_ptr<Service>> services_;
    bool stopping_ = false;
    Turn turn_ = Turn::Mail;  // of a stop: whose processes have been told
    net::Timer kill_timer_;
    net::Timer directory_timer_;
    net::TaskGroup tasks_;
};

}  // namespace posthaste::master
