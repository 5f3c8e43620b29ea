// site_flush.h — makes the deferred mail of the sites that were asked for due now.
//
// Postfix keeps a file per site that every delivery agent adds to. Here nothing is written when mail is deferred: when
// somebody asks, one pass over deferred/ (deferred_scan.h) finds the messages, and the queue manager is told to retry
// them (qmgr/control_protocol.h). That costs more for one request and nothing for all other mail, and cannot be out of
// date.
//
// What a stranger can cause with ETRN is bounded: there is one pass at a time, on one helper thread; sites that are
// asked for meanwhile wait together for the next one, and that begins after a pause of four times as long as the last
// took (a second to five minutes), so that passes take about a fifth of one processor, and more only where one takes
// longer than 75 seconds. Sites that wait are bounded in number, and none that waits is forgotten.
#pragma once

#include "daemon/flush/deferred_scan.h"
#include "daemon/flush/sites.h"
#include "ipc/connection.h"
#include "net/tasks.h"
#include "queue/options.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::flush {

// How long after a pass that took so long the next one may begin.
net::Clock::duration pause_after(net::Clock::duration pass);

// Life time: that of the service. Loop's thread only.
class SiteFlush {
public:
    // manager_socket: below the queue directory, which is the working directory.
    SiteFlush(queue::QueueOptions options, std::string manager_socket);

    // False: too many sites wait.
    bool want(std::string_view site, Subdomains subdomains);
    // Does what waits without the pause before it, and returns when all is done.
    Task<void> finish();

private:
    Task<void> run();
    Task<void> flush(Sites sites);
    Task<Result<void>> retry(std::vector<std::string> queue_ids);
    Task<Result<void>> ask_manager(std::vector<std::string> queue_ids);

    queue::QueueOptions options_;
    std::string manager_socket_;
    Sites waiting_;
    bool running_ = false;
    net::Clock::time_point next_{};  // when the next pass may begin
    net::Event hurry_;
    std::optional<ipc::Connection> manager_;  // for the time of a pass
    net::TaskGroup tasks_;
};

}  // namespace posthaste::flush
