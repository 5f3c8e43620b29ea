// postqueue.cc — see postqueue.h.
#include "command/postqueue/postqueue.h"

#include "command/postqueue/listing_format.h"
#include "command/postqueue/options.h"
#include "command/postqueue/summary.h"
#include "config/config.h"
#include "daemon/qmgr/control_protocol.h"
#include "log/log.h"
#include "match/authorized_user.h"
#include "net/stream.h"
#include "net/tasks.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/commands.h"
#include "param/services.h"
#include "server/command_config.h"
#include "server/flush_client.h"
#include "server/progress.h"
#include "server/queue_listing.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <string>
#include <sysexits.h>
#include <unistd.h>

namespace posthaste::command::postqueue {

namespace {

using ConfigPtr = std::shared_ptr<const config::Config>;

// --- who may do what

// postconf(5) authorized_mailq_users, authorized_flush_users. Doubt means no.
void require_authorization(std::string_view parameter, const std::string& allowed, std::string_view what)
{
    auto authorized = match::is_real_user_in(parameter, allowed);
    if (!authorized)
        fatal(authorized.error().kind() == ErrorKind::Temporary ? EX_TEMPFAIL : EX_CONFIG, authorized.error().text());
    if (!*authorized)
        fatal(EX_NOPERM, fmt::format("User {}({}) is not allowed to {}", match::real_user_name(), ::getuid(), what));
}

// --- listing

[[noreturn]] void output_failed() { fatal(EX_UNAVAILABLE, Error::system(errno, "output write error").text()); }

// Prints messages as they come, or groups them; what is printed at the end depends on all of them.
class Printer {
public:
    Printer(Mode mode, IdForm form, std::int64_t now) : mode_(mode), form_(form), now_(now) {}

    // A message of the queue, printed or not.
    void see() { ++seen_; }
    void print(const server::QueuedMessage& message, const Selection& selection)
    {
        ++count_;
        total_size_ += message.size;
        switch (mode_) {
        case Mode::Json: write(json_line(message)); break;
        case Mode::Ids: write(message.queue_id + "\n"); break;
        case Mode::Summary:
        case Mode::JsonSummary:
            for (const server::QueuedRecipient& recipient : message.recipients)
                if (selection.takes(recipient))
                    summary_.add(message, recipient);
            break;
        default: write((count_ == 1 ? mailq_header(form_) : "") + mailq_entry(message, form_) + "\n"); break;
        }
    }

    void end() const
    {
        if (mode_ == Mode::JsonSummary)
            write(summary_.json());
        else if ((mode_ == Mode::Summary || mode_ == Mode::List) && count_ == 0)
            write(seen_ == 0 ? "Mail queue is empty\n"
                             : fmt::format("No message matches, of {} in the queue\n", seen_));
        else if (mode_ == Mode::Summary)
            write(summary_.text(now_));
        else if (mode_ == Mode::List)
            write(mailq_trailer(total_size_, count_));
    }

private:
    static void write(std::string_view text)
    {
        if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
            output_failed();
    }

    Mode mode_;
    IdForm form_;
    std::int64_t now_;
    Summary summary_;
    std::uint64_t seen_ = 0;
    std::uint64_t count_ = 0;
    std::uint64_t total_size_ = 0;
};

// The system may be up, and this command was installed without its group.
[[noreturn]] void fatal_denied(const Error& error, const config::Config& config)
{
    if (::getegid() == ::getgid() && ::geteuid() != 0)
        log::warning("{1}/postqueue does not run with the group {0} (setgid_group); correct it with: chgrp {0} "
                     "{1}/postqueue && chmod 2755 {1}/postqueue",
                     config.get(param::setgid_group), config.get(param::command_directory));
    fatal(EX_UNAVAILABLE, error.text());
}

// postqueue(1): while the mail system is down, who may read the queue reads it without it.
Result<server::QueueListing> open_listing(const config::Config& config)
{
    auto running = server::QueueListing::of_running_system(config);
    if (running)
        return running;
    if (running.error().kind() == ErrorKind::Timeout)
        fatal(EX_UNAVAILABLE, "Queue report unavailable - " + running.error().text());
    if (running.error().kind() == ErrorKind::Denied)
        fatal_denied(running.error(), config);
    if (::access("deferred", R_OK) != 0)
        fatal(EX_UNAVAILABLE, "Queue report unavailable - mail system is down");
    log::warning("Mail system is down -- accessing queue directly ({})", running.error().text());
    return server::QueueListing::of_stopped_system(config);
}

Result<void> print_all(const config::Config& config, const Selection& selection, Printer& printer, std::int64_t now)
{
    TRY(server::QueueListing listing, open_listing(config));
    server::Progress progress("postqueue", "messages read", server::Output::Printed);
    for (;;) {
        TRY(auto message, listing.next());
        if (!message)
            return {};
        progress.advance();
        printer.see();
        if (selection.takes(*message, now))
            printer.print(*message, selection);
    }
}

void enter_queue(const config::Config& config)
{
    if (::chdir(config.get(param::queue_directory).c_str()) != 0)
        fatal(EX_UNAVAILABLE, Error::system(errno, "chdir " + config.get(param::queue_directory)).text());
}

int list(const config::Config& config, const Options& options)
{
    enter_queue(config);
    const std::int64_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    Printer printer(options.mode, config.get(param::enable_long_queue_ids) ? IdForm::Long : IdForm::Short, now);
    if (auto printed = print_all(config, options.selection, printer, now); !printed) {
        std::fflush(stdout);
        fatal(EX_UNAVAILABLE, "the queue report is incomplete: " + printed.error().text());
    }
    printer.end();
    if (std::fflush(stdout) != 0)
        output_failed();
    return EX_OK;
}

// --- requests to the queue manager and the flush service

Task<Result<qmgr::ControlReply>> request(std::string service, qmgr::ControlRequest request)
{
    const auto patience = net::Deadline::after(std::chrono::seconds(60));
    CO_TRY(net::Endpoint where, net::Endpoint::unix_path("public/" + service));
    CO_TRY(net::Stream stream, co_await net::connect(where, patience));
    ipc::Connection connection(std::move(stream));
    CO_TRY(co_await connection.handshake(qmgr::control_protocol, patience));
    CO_TRY(co_await connection.send(request, patience));
    co_return co_await connection.receive<qmgr::ControlReply>(patience);
}

int retry(const config::Config& config, qmgr::ControlRequest wish)
{
    enter_queue(config);
    auto reply = net::run_until_done(request(config.get(param::queue_service_name), std::move(wish)));
    if (!reply) {
        if (reply.error().kind() == ErrorKind::Denied)
            fatal_denied(reply.error(), config);
        fatal(EX_UNAVAILABLE, "Cannot flush mail queue - mail system is down");
    }
    return EX_OK;
}

int flush_site(const config::Config& config, const std::string& site)
{
    enter_queue(config);
    auto outcome = net::run_until_done(
        server::ask_flush_service(config.get(param::flush_service_name), {.site = site, .subdomains = {}}));
    if (!outcome) {
        log::warning("{}", outcome.error().text());
        fatal(EX_UNAVAILABLE, "Cannot flush mail queue - mail system is down");
    }
    switch (*outcome) {
    case flush::Outcome::Started: return EX_OK;
    case flush::Outcome::NotEligible:
        fatal(EX_UNAVAILABLE, fmt::format("Flush service is not configured for destination \"{}\"", site));
    case flush::Outcome::Failed: break;
    }
    fatal(EX_UNAVAILABLE, "Cannot flush mail queue - the flush service has a problem, see the mail log");
}

}  // namespace

int run(int argc, char** argv)
{
    log::init({.program = "postqueue", .to_log = false});
    const Options options = parse_options(argc, argv);
    auto config = server::load_command_config("postqueue", options.config_directory);
    if (!config)
        fatal(EX_UNAVAILABLE, config.error().text());
    if (is_listing(options.mode)) {
        require_authorization("authorized_mailq_users", (*config)->get(param::authorized_mailq_users),
                              "view the mail queue");
        return list(**config, options);
    }
    require_authorization("authorized_flush_users", (*config)->get(param::authorized_flush_users),
                          "flush the mail queue");
    switch (options.mode) {
    case Mode::FlushAll: return retry(**config, {.command = qmgr::Command::RetryAll, .queue_ids = {}});
    case Mode::FlushId: return retry(**config, {.command = qmgr::Command::Retry, .queue_ids = {options.argument}});
    default: return flush_site(**config, options.argument);
    }
}

}  // namespace posthaste::command::postqueue
