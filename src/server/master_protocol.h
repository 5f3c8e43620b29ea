// The contract between master and a service process.
//
// A service process is born with: descriptor 4, the service's scoreboard (shared memory); descriptor 5, a
// SOCK_SEQPACKET socket to master; descriptors from 6, the listening sockets (option -s says how many). Master has
// put one Hello into the socket; the process answers with Status messages, master sends Commands. A process whose
// socket to master ends leaves as if it had been told to stop.
//
// The scoreboard counts the clients of the whole service without a message per client: each process owns one slot,
// master clears the slot of a process that died. All are plain structs: both sides run on the same machine; the
// version tells processes of different releases apart, which meet after a package upgrade until master is restarted.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace posthaste::server {

inline constexpr int scoreboard_fd = 4;
inline constexpr int status_fd = 5;
inline constexpr int first_listen_fd = 6;
inline constexpr std::uint32_t master_protocol_version = 1;

struct Hello {
    std::uint32_t version = master_protocol_version;
    std::uint32_t slot = 0;          // in the scoreboard
    std::uint32_t client_limit = 0;  // for the whole service; 0: none
    std::uint32_t processes = 1;     // that share the clients, if the model is ClientsPerCore
};

// What maxproc in master.cf means for a service.
enum class ProcessModel : std::uint8_t {
    Processes,       // the number of processes, as in Postfix: qmgr, anvil, rewrite, ...
    Clients,         // the number of clients or deliveries; one process serves them all: delivery agents
    ClientsPerCore,  // the number of clients, in as many processes as the load needs, at most one a core: smtpd
};

struct Status {
    std::uint32_t version = master_protocol_version;
    std::uint32_t clients = 0;
    std::uint32_t reloads_done = 0;  // how many Reload commands have taken effect
    bool leaving = false;            // takes no new clients any more
    bool accepting = false;          // takes new clients gladly: neither leaving nor saturated
    bool at_limit = false;           // the service's client limit keeps a client waiting
    bool reloads = false;            // takes a new configuration in place
    ProcessModel model = ProcessModel::Processes;
};

// The first byte of a message from master.
enum class Command : char {
    Leave = 'L',   // take no new clients, finish with those that are there, exit
    Stop = 'S',    // the same, soon: the system goes down
    Reload = 'R',  // the rest of the message is the new main.cf; who cannot use it leaves instead
};
inline constexpr std::size_t max_command = std::size_t{160} << 10;

struct Scoreboard {
    static constexpr std::size_t slots = 64;
    enum State : std::uint32_t { Free, Starting, Accepting, Busy };  // Busy: full or leaving
    struct Slot {
        std::atomic<std::uint32_t> state;
        std::atomic<std::uint32_t> clients;
    };
    std::array<Slot, slots> slot;

    [[nodiscard]] std::uint32_t clients() const
    {
        std::uint32_t sum = 0;
        for (const Slot& each : slot)
            sum += each.clients.load(std::memory_order_relaxed);
        return sum;
    }
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);  // works across processes

}  // namespace posthaste::server
