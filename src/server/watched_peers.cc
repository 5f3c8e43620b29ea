// watched_peers.cc — see watched_peers.h.
#include "server/watched_peers.h"

#include "base/text.h"
#include "log/log.h"
#include "param/process.h"

namespace posthaste::server {

Result<WatchedPeers> WatchedPeers::open(const config::Config& config)
{
    WatchedPeers peers;
    TRY(peers.list_, match::read_hosts(config, param::debug_peer_list));
    return peers;
}

Task<bool> WatchedPeers::includes(std::string name, std::string address)
{
    if (log::verbose())
        co_return true;
    if (list_.empty())
        co_return false;
    auto listed = co_await list_.matches_host(name, address);
    if (!listed)
        log::warning("debug_peer_list: {}", listed.error().text());
    co_return listed.value_or(false);
}

namespace {

void log_lines(char direction, std::string_view peer, std::string_view lines)
{
    for (std::string_view line : split(lines, "\r\n"))
        log::info("{} {}: {}", direction, peer, line);
}

}  // namespace

void log_received(std::string_view peer, std::string_view lines) { log_lines('<', peer, lines); }

void log_sent(std::string_view peer, std::string_view lines) { log_lines('>', peer, lines); }

}  // namespace posthaste::server
