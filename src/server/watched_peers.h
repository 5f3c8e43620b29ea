// watched_peers.h — SMTP sessions that are logged word by word: those with hosts of debug_peer_list, and all of them in
// a service that runs with -v (master(5), postconf(5)).
#pragma once

#include "config/config.h"
#include "match/list.h"
#include "net/task.h"

#include <string>
#include <string_view>

namespace posthaste::server {

// Life time: the process; searches under way refer to it. Loop's thread.
class WatchedPeers {
public:
    WatchedPeers() = default;
    // Invalid: debug_peer_list is no list.
    static Result<WatchedPeers> open(const config::Config& config);

    // Whether the session with this host is logged. A list that cannot be searched says no, with a warning.
    Task<bool> includes(std::string name, std::string address);

private:
    match::List list_;
};

// One or more lines of such a session, a line of the log each: "< name[address]: EHLO client.example".
void log_received(std::string_view peer, std::string_view lines);
void log_sent(std::string_view peer, std::string_view lines);

}  // namespace posthaste::server
