// One child of master: born with its descriptors (server/master_protocol.h), known by its status socket.
#pragma once

#include "daemon/master/service_spec.h"
#include "net/stream.h"
#include "server/master_protocol.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace posthaste::master {

// The scoreboard of one service in shared memory. Lives as long as the service.
class SharedScoreboard {
public:
    static Result<std::unique_ptr<SharedScoreboard>> make();
    ~SharedScoreboard();
    SharedScoreboard(const SharedScoreboard&) = delete;
    SharedScoreboard& operator=(const SharedScoreboard&) = delete;

    [[nodiscard]] auto& slots() const { return board_->slot; }
    [[nodiscard]] int fd() const { return memory_.get(); }

private:
    SharedScoreboard(UniqueFd memory, server::Scoreboard* board) : memory_(std::move(memory)), board_(board) {}
    UniqueFd memory_;
    server::Scoreboard* board_;
};

// A running process of a service. Shared by the service and the task that reads its status.
struct Process {
    pid_t pid = -1;
    std::uint32_t slot = 0;
    std::unique_ptr<net::Listener> status_socket;  // readiness and ownership of the socket, never accept()
    net::Clock::time_point started;
    server::Status status;
    bool reported = false;  // has sent a status: it came up
    bool leaving = false;   // has been told to leave, or said that it does
    std::uint32_t reloads_sent = 0;

    // Has done what a reload wanted from it: takes no clients any more, or has the new configuration.
    [[nodiscard]] bool has_changed_over() const
    {
        return leaving ? status.leaving : status.reloads_done == reloads_sent;
    }

    void send(server::Command command, std::string_view payload = {}) const;
};

struct SpawnRequest {
    const ServiceSpec* spec = nullptr;
    std::vector<std::string> arguments;  // argv
    std::vector<int> listen_fds;
    int scoreboard_fd = -1;
    server::Hello hello;
};
Result<std::shared_ptr<Process>> spawn(const SpawnRequest& request);

}  // namespace posthaste::master
