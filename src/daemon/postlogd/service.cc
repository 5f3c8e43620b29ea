// service.cc — see service.h.
#include "daemon/postlogd/service.h"

#include "base/text.h"
#include "log/log.h"
#include "param/log.h"
#include "server/log_setup.h"

namespace posthaste::postlogd {

namespace {
constexpr std::size_t batch_limit = std::size_t{64} << 10;
constexpr std::size_t pending_limit = std::size_t{1} << 20;
constexpr std::chrono::milliseconds retry_interval{200};
}  // namespace

Result<void> Service::before_jail()
{
    // Its own lines must not go through its own socket.
    server::set_up_log(*context_.config, {.program = context_.process_name,
                                          .verbosity = context_.verbosity,
                                          .in_queue_directory = true,
                                          .direct = true});
    const std::string& file = context_.config->get(param::maillog_file);
    if (!file.empty()) {
        TRY(unsigned mode, server::maillog_file_mode(*context_.config));
        file_ = log::make_file_sink(file, mode, "", log::SlowReader::Wait);
        file_->open();
    }
    net::Loop::current().before_wait([this] { write(); });
    return {};
}

Task<void> Service::datagram(std::string lines)
{
    if (!file_) {  // maillog_file was taken out of main.cf: syslog gets what is still sent here
        for (std::string_view line : split(lines, "\n"))
            log::write(log::Severity::Info, line);
        co_return;
    }
    pending_ += lines;
    if (!pending_.ends_with('\n'))
        pending_ += '\n';
    if (pending_.size() >= batch_limit)
        write();
    while (pending_.size() >= pending_limit && context_.leaving() != server::Leaving::Soon) {
        co_await net::sleep_for(retry_interval);
        write();
    }
}

void Service::write()
{
    if (file_ && !pending_.empty())
        pending_.erase(0, file_->write(pending_, {}));
}

Task<void> Service::leaving()
{
    write();
    co_return;
}

std::chrono::seconds Service::watchdog() const { return context_.config->get(param::postlogd_watchdog_timeout); }

}  // namespace posthaste::postlogd
