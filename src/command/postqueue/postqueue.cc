// postqueue.cc — see postqueue.h.
#include "command/postqueue/postqueue.h"

#include "base/text.h"
#include "command/postqueue/listing_format.h"
#include "config/config.h"
#include "daemon/qmgr/control_protocol.h"
#include "ipc/attributes.h"
#include "log/log.h"
#include "match/authorized_user.h"
#include "net/stream.h"
#include "net/tasks.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/commands.h"
#include "param/services.h"
#include "queue/queue_id.h"
#include "server/command_config.h"
#include "server/log_setup.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

namespace posthaste::command::postqueue {

namespace {

using ConfigPtr = std::shared_ptr<const config::Config>;

enum class Mode : unsigned char { None, List, Json, FlushAll, FlushId };

struct Options {
    Mode mode = Mode::None;
    std::string config_directory;
    std::string queue_id;
};

[[noreturn]] void fatal(int status, std::string_view text)
{
    log::write(log::Severity::Fatal, text);
    log::flush();
    std::exit(status);
}

// Postfix has one exit status for whatever postqueue cannot do, bad usage included.
constexpr std::string_view usage =
    "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";

Options parse_options(int argc, char** argv)
{
    Options options;
    auto choose = [&](Mode mode) {
        if (options.mode != Mode::None)
            fatal(EX_UNAVAILABLE, usage);
        options.mode = mode;
    };
    for (int option; (option = ::getopt(argc, argv, "c:fi:jps:v")) != -1;) {
        switch (option) {
        case 'c': options.config_directory = ::optarg; break;
        case 'f': choose(Mode::FlushAll); break;
        case 'i':
            choose(Mode::FlushId);
            options.queue_id = ::optarg;
            break;
        case 'j': choose(Mode::Json); break;
        case 'p': choose(Mode::List); break;
        case 's':  // there is no flush service yet, so it is configured for no destination
            fatal(EX_UNAVAILABLE, fmt::format("Flush service is not configured for destination \"{}\"", ::optarg));
        case 'v': break;
        default: fatal(EX_UNAVAILABLE, usage);
        }
    }
    if (options.mode == Mode::None || ::optind < argc)
        fatal(EX_UNAVAILABLE, usage);
    if (options.mode == Mode::FlushId && !queue::is_queue_id(options.queue_id))
        fatal(EX_UNAVAILABLE, fmt::format("Cannot flush queue ID - invalid name: \"{}\"", printable(options.queue_id)));
    return options;
}

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

// Prints messages as they come; knows at the end whether the list was complete.
class Printer {
public:
    Printer(Mode mode, IdForm form) : mode_(mode), form_(form) {}

    void print(const QueuedMessage& message)
    {
        std::string out;
        if (mode_ == Mode::Json) {
            out = json_line(message);
        } else {
            if (count_ == 0)
                out = mailq_header(form_);
            out += mailq_entry(message, form_) + "\n";
        }
        ++count_;
        total_size_ += message.size;
        std::fwrite(out.data(), 1, out.size(), stdout);
    }

    void end() const
    {
        if (mode_ == Mode::Json)
            return;
        std::string out = count_ == 0 ? "Mail queue is empty\n" : mailq_trailer(total_size_, count_);
        std::fwrite(out.data(), 1, out.size(), stdout);
    }

private:
    Mode mode_;
    IdForm form_;
    std::uint64_t count_ = 0;
    std::uint64_t total_size_ = 0;
};

// showq's stream from any descriptor: an announcement, messages, an empty list.
Result<void> print_stream(int fd, Printer& printer)
{
    std::string buffer;
    bool announced = false;
    for (;;) {
        TRY(auto length, ipc::complete_list(buffer));
        if (!length) {
            char bytes[65536];
            ssize_t got = ::read(fd, bytes, sizeof bytes);
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return fail_errno("read");
            if (got == 0)
                return fail(ErrorKind::Closed, "the listing ends too early");
            buffer.append(bytes, static_cast<std::size_t>(got));
            continue;
        }
        std::string_view list = std::string_view(buffer).substr(0, *length);
        if (list.size() == 1)
            return {};
        if (announced) {
            TRY(QueuedMessage message, parse_message(list));
            printer.print(message);
        }
        announced = true;
        buffer.erase(0, *length);
    }
}

// The blocking end of a connection to showq.
Result<UniqueFd> connect_to_showq(const config::Config& config)
{
    if (::chdir(config.get(param::queue_directory).c_str()) != 0)
        return fail_errno("chdir " + config.get(param::queue_directory));
    TRY(net::Endpoint where, net::Endpoint::unix_path("public/" + config.get(param::showq_service_name)));
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return fail_errno("socket");
    if (::connect(fd.get(), where.data(), where.size()) != 0)
        return fail_errno("Connect to the Postfix showq service");
    return fd;
}

// postqueue(1): while the mail system is down, who may read the queue reads it without it.
Result<void> list_without_mail_system(const config::Config& config, Printer& printer)
{
    int ends[2];
    if (::pipe(ends) != 0)
        return fail_errno("pipe");
    UniqueFd in(ends[0]);
    UniqueFd out(ends[1]);
    std::string program = config.get(param::daemon_directory) + "/showq";
    pid_t child = ::fork();
    if (child < 0)
        return fail_errno("fork");
    if (child == 0) {
        ::dup2(out.get(), STDOUT_FILENO);
        ::setenv("MAIL_CONFIG", config.directory().c_str(), 1);
        ::execl(program.c_str(), "showq", "-u", "-S", static_cast<char*>(nullptr));
        ::_exit(EX_UNAVAILABLE);
    }
    out.reset();
    Result<void> printed = print_stream(in.get(), printer);
    int status = 0;
    ::waitpid(child, &status, 0);
    return printed;
}

int list(const config::Config& config, Mode mode)
{
    Printer printer(mode, config.get(param::enable_long_queue_ids) ? IdForm::Long : IdForm::Short);
    auto showq = connect_to_showq(config);
    Result<void> printed;
    if (showq) {
        printed = print_stream(showq->get(), printer);
    } else {
        if (::access("deferred", R_OK) != 0)
            fatal(EX_UNAVAILABLE, "Queue report unavailable - mail system is down");
        log::warning("Mail system is down -- accessing queue directly ({})", showq.error().text());
        printed = list_without_mail_system(config, printer);
    }
    if (!printed) {
        std::fflush(stdout);
        fatal(EX_UNAVAILABLE, "the queue report is incomplete: " + printed.error().text());
    }
    printer.end();
    return std::fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

// --- requests to the queue manager

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

int flush(const config::Config& config, qmgr::ControlRequest wish)
{
    if (::chdir(config.get(param::queue_directory).c_str()) != 0)
        fatal(EX_UNAVAILABLE, Error::system(errno, "chdir " + config.get(param::queue_directory)).text());
    auto reply = net::run_until_done(request(config.get(param::queue_service_name), std::move(wish)));
    if (!reply)
        fatal(EX_UNAVAILABLE, "Cannot flush mail queue - mail system is down");
    return EX_OK;
}

}  // namespace

int run(int argc, char** argv)
{
    log::init({.program = "postqueue", .to_log = false});
    Options options = parse_options(argc, argv);
    auto config = server::load_command_config("postqueue", options.config_directory);
    if (!config)
        fatal(EX_CONFIG, config.error().text());
    if (options.mode == Mode::List || options.mode == Mode::Json)
        require_authorization("authorized_mailq_users", (*config)->get(param::authorized_mailq_users),
                              "view the mail queue");
    else
        require_authorization("authorized_flush_users", (*config)->get(param::authorized_flush_users),
                              "flush the mail queue");
    switch (options.mode) {
    case Mode::List:
    case Mode::Json: return list(**config, options.mode);
    case Mode::FlushAll: return flush(**config, {.command = qmgr::Command::RetryAll, .queue_ids = {}});
    case Mode::FlushId: return flush(**config, {.command = qmgr::Command::Retry, .queue_ids = {options.queue_id}});
    case Mode::None: break;
    }
    return EX_UNAVAILABLE;
}

}  // namespace posthaste::command::postqueue
