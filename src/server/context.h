// Context: what a service process knows about itself. Made by server::run() before the Service and outlives it.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "net/loop.h"
#include "net/tasks.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace posthaste::server {

enum class Leaving : std::uint8_t {
    No,
    WhenDone,  // reload or idle: sessions run to their natural end
    Soon,      // the mail system stops: end sessions at the next opportunity (smtpd: 421), or be killed in seconds
};

class Context {
public:
    using ConfigPtr = std::shared_ptr<const config::Config>;

    ConfigPtr config;                                            // replaced by a reload in place
    std::string process_name;                                    // "smtpd"
    std::string service_name;                                    // as in master.cf: "smtp", "127.0.0.1:10025", "relay"
    std::string service_type;                                    // "inet", "unix", "pass", "unix-dgram", "fifo"
    std::vector<std::string> arguments;                          // what follows the options: pipe's and spawn's own
    std::vector<std::pair<std::string, std::string>> overrides;  // -o name=value
    std::uint32_t client_limit = 0;                              // for the whole service; 0: none
    int verbosity = 0;
    bool root = false;          // started by root: may change identity
    bool unprivileged = false;  // has become mail_owner
    bool chrooted = false;
    bool stand_alone = false;  // -S: one client on standard input and output (sendmail -bs), no master

    // Has given up what it opened its files with: it may not be able to open them again.
    [[nodiscard]] bool is_confined() const { return unprivileged || chrooted; }
    // The options that load() needs for the snapshot of another process or service with its own overrides.
    [[nodiscard]] config::LoadOptions load_options() const;

    [[nodiscard]] Leaving leaving() const { return leaving_; }
    [[nodiscard]] bool is_leaving() const { return leaving_ != Leaving::No; }
    // Set when the process begins to leave: long waits watch it.
    net::Event leave_event;
    // Makes this process leave when its clients are done ("table T has changed -- restarting").
    void leave(Leaving how = Leaving::WhenDone);
    // The service is so busy that clients wait: take config->stressed() for this session (STRESS_README).
    [[nodiscard]] bool under_stress() const { return under_stress_ && under_stress_(); }

private:
    friend class Runtime;
    Leaving leaving_ = Leaving::No;
    std::function<void()> on_leave_;
    std::function<bool()> under_stress_;
};

}  // namespace posthaste::server
