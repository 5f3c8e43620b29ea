// postlogd(8) — writes maillog_file for programs that cannot open it.
//
// Each datagram of public/postlog is one or more whole lines without the last newline. What has arrived during one
// turn of the loop is written at once. When the disk is full, the socket fills up and the senders wait: nothing is
// dropped. `postfix logrotate` renames the file and reloads: this process leaves, the next one opens the new file.
#pragma once

#include "log/sink.h"
#include "server/context.h"

#include <chrono>
#include <memory>
#include <string>

namespace posthaste::postlogd {

class Service {
public:
    explicit Service(server::Context& context) : context_(context) {}

    Result<void> before_jail();  // the file belongs to root
    Task<void> datagram(std::string lines);
    Task<void> leaving();
    [[nodiscard]] std::chrono::seconds watchdog() const;

private:
    void write();

    server::Context& context_;
    std::unique_ptr<log::Sink> file_;
    std::string pending_;
};

}  // namespace posthaste::postlogd
