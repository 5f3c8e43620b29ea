// runtime_control.cc — Runtime's other half: master's commands, status, idle time, the watchdog and the end.
#include "server/runtime.h"

#include "log/log.h"
#include "param/process.h"
#include "server/log_setup.h"
#include "table/followed_file.h"
#include "table/settings.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace posthaste::server {

namespace {

// After Stop: master kills what is left after ten seconds; leaving before that keeps the log.
constexpr std::chrono::seconds stop_grace{8};
// How long main() may take to notice leave_event; then it is destroyed where it waits.
constexpr std::chrono::milliseconds main_grace_at_stop{100};
constexpr std::chrono::milliseconds main_grace{10'000};
constexpr int watchdog_divisor = 3;
constexpr std::chrono::seconds table_interval{1};

[[noreturn]] void watchdog_fired(int) { panic("watchdog timeout"); }

}  // namespace

Runtime::Runtime(Context& context, Hooks hooks)
    : context_(context), hooks_(std::move(hooks)), idle_timer_([this] { check_idle(); }),
      table_timer_([this] { look_at_tables(); }), watchdog_timer_([this] { arm_watchdog(); }), stop_timer_([] {
          log::info("work under way is left where it is: the mail system stops");
          log::flush();
          std::_Exit(EXIT_SUCCESS);
      })
{
    context_.on_leave_ = [this] { net::Loop::current().post([this] { begin_to_leave(); }); };
    context_.under_stress_ = [this] {
        return scoreboard_ && context_.client_limit > 0 && scoreboard_->clients() >= context_.client_limit;
    };
}

Runtime::~Runtime()
{
    ::alarm(0);
    context_.on_leave_ = nullptr;
    context_.under_stress_ = nullptr;
    if (scoreboard_)
        ::munmap(scoreboard_, sizeof(Scoreboard));
}

Result<void> Runtime::meet_master()
{
    UniqueFd board(scoreboard_fd);
    UniqueFd status(status_fd);
    void* memory = ::mmap(nullptr, sizeof(Scoreboard), PROT_READ | PROT_WRITE, MAP_SHARED, board.get(), 0);
    if (memory == MAP_FAILED)
        return fail_errno("scoreboard (is this process started by master?)");
    scoreboard_ = static_cast<Scoreboard*>(memory);
    Hello hello;
    if (::recv(status.get(), &hello, sizeof hello, 0) != static_cast<ssize_t>(sizeof hello) ||
        hello.version != master_protocol_version || hello.slot >= Scoreboard::slots)
        return fail(ErrorKind::Invalid, "master speaks another version: stop and start the mail system");
    slot_ = &scoreboard_->slot[hello.slot];
    context_.client_limit = hello.client_limit;
    processes_ = hello.processes;
    TRY(set_nonblocking(status.get()));
    ::fcntl(status.get(), F_SETFD, FD_CLOEXEC);
    master_ = std::make_unique<net::Listener>(std::move(status));
    return {};
}

void Runtime::set_state(Scoreboard::State state)
{
    if (slot_)
        slot_->state.store(state);
}

void Runtime::report()
{
    Status status;
    status.clients = client_count_;
    status.reloads_done = reloads_done_;
    status.leaving = context_.is_leaving();
    status.accepting = !context_.is_leaving() && !saturated_;
    status.at_limit = at_limit_;
    status.reloads = static_cast<bool>(hooks_.on_reload);
    status.model = hooks_.model;
    if (master_)
        static_cast<void>(::send(master_->fd(), &status, sizeof status, MSG_NOSIGNAL | MSG_DONTWAIT));
}

Task<void> Runtime::follow_master()
{
    std::vector<char> message(max_command);
    while (master_) {
        ssize_t length = ::recv(master_->fd(), message.data(), message.size(), 0);
        if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
            std::vector<char>().swap(message);
            if (!co_await master_->wait(net::Deadline::never()))
                co_return;
            message.resize(max_command);
            continue;
        }
        if (length <= 0) {
            context_.leave(Leaving::Soon);  // master is gone
            co_return;
        }
        switch (static_cast<Command>(message[0])) {
        case Command::Leave: context_.leave(Leaving::WhenDone); break;
        case Command::Stop: context_.leave(Leaving::Soon); break;
        case Command::Reload: co_await reload({message.data() + 1, static_cast<std::size_t>(length) - 1}); break;
        }
    }
}

Task<void> Runtime::reload(std::string main_cf)
{
    if (!hooks_.on_reload) {
        context_.leave();
        co_return;
    }
    auto config = config::load_text(main_cf, context_.config->directory() + "/main.cf", context_.load_options());
    if (!config) {
        log::error("{}: the old configuration stays", config.error().text());
        ++reloads_done_;
        report();
        co_return;
    }
    table::use_new_main_cf(*config);
    const table::Reopening reopening;
    auto result = co_await hooks_.on_reload(*config);
    if (result && !reopening.out_of_reach().empty())
        result = fail(ErrorKind::Denied, reopening.out_of_reach() + " is out of reach");
    if (!result) {
        log::info("{}: a new process takes over", result.error().text());
        context_.leave();
        co_return;
    }
    context_.config = std::move(*config);
    ++reloads_done_;
    report();
}

Task<void> Runtime::run_main()
{
    co_await hooks_.main();
    context_.leave();
}

// The idle process leaves; of several processes of a service none leaves before the service is idle.
void Runtime::check_idle()
{
    if (hooks_.main || context_.is_leaving() || client_count_ > 0)
        return;
    bool siblings_work = hooks_.model == ProcessModel::ClientsPerCore && scoreboard_->clients() > 0;
    if (siblings_work)
        last_use_ = net::Clock::now();
    net::Clock::time_point end = last_use_ + context_.config->get(param::max_idle);
    if (net::Clock::now() >= end)
        context_.leave();
    else
        idle_timer_.start(end);
}

// A process that cannot open its tables again must leave before the next client comes: the first answer after a change
// is the successor's. It is no use of the process: the idle one still ends after max_idle.
void Runtime::look_at_tables()
{
    if (!context_.is_confined())
        return;
    table::look_at_followed_files();
    if (!context_.is_leaving())
        table_timer_.start(net::Clock::now() + table_interval);
}

void Runtime::arm_watchdog()
{
    auto timeout = hooks_.watchdog ? hooks_.watchdog() : context_.config->get(param::daemon_timeout);
    ::signal(SIGALRM, watchdog_fired);
    ::alarm(static_cast<unsigned>(timeout.count()));
    watchdog_timer_.start(net::Clock::now() + std::max(timeout / watchdog_divisor, std::chrono::seconds(1)));
}

void Runtime::begin_to_leave()
{
    if (context_.leaving() == Leaving::Soon && !stop_timer_.running())
        stop_timer_.start(net::Clock::now() + stop_grace);
    context_.leave_event.set();
    if (std::exchange(leaving_begun_, true))
        return;
    set_state(Scoreboard::Busy);
    report();
    idle_timer_.cancel();
    table_timer_.cancel();
    for (auto socket = sockets_.begin(); socket != sockets_.end();)
        (socket++)->cancel();  // its task ends and takes it out of the list
    for (UniqueFd& fd : read_ends_)
        ::shutdown(fd.get(), SHUT_RD);
    room_.pulse();
    tasks_.start(finish());
}

Task<void> Runtime::finish()
{
    // Bounded by the clients' own deadlines, and by stop_timer_ when the system goes down.
    static_cast<void>(co_await client_tasks_.join(net::Deadline::never()));
    auto patience = context_.leaving() == Leaving::Soon ? main_grace_at_stop : main_grace;
    static_cast<void>(co_await main_task_->join(net::Deadline::after(patience)));
    main_task_.reset();
    if (hooks_.leaving)
        co_await hooks_.leaving();
    net::Loop::current().stop();
}

}  // namespace posthaste::server
