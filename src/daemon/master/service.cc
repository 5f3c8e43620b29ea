// service.cc — see service.h.
#include "daemon/master/service.h"

#include "log/events_master.h"
#include "log/log.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace posthaste::master {

using config::ServiceType;
using server::ProcessModel;
using server::Scoreboard;

namespace {
constexpr std::chrono::seconds quick{1};            // a process that dies this soon after its start ...
constexpr unsigned max_quick_failures = 5;          // ... this often in a row is throttled
constexpr std::chrono::seconds limit_interval{60};  // between two warnings about the same limit

// Somebody else ended the process (an operator, the kernel for want of memory): no sign of a broken program.
bool killed_from_outside(int status)
{
    return WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
}
}  // namespace

Service::Service(const Common& common, ServiceSpec spec, std::vector<UniqueFd> sockets,
                 std::unique_ptr<SharedScoreboard> scoreboard)
    : common_(common), spec_(std::move(spec)), scoreboard_(std::move(scoreboard)), wakeup_timer_([this] {
          wake_up();
          schedule_wakeup();
      }),
      throttle_timer_([this] {
          throttled_ = false;
          refresh_demand();
          if (!spec_.wakeup_after_first_use)
              wake_up();
      })
{
    for (UniqueFd& socket : sockets)
        sockets_.emplace_back(std::move(socket));
}

void Service::start()
{
    watchers_ = std::make_unique<net::TaskGroup>();
    for (net::Listener& socket : sockets_)
        watchers_->start(watch(&socket));
    refresh_demand();
    if (!spec_.wakeup_after_first_use)
        wake_up();
    schedule_wakeup();
}

// Processes.

Task<void> Service::watch(net::Listener* socket)
{
    // Both waits end with the service: its TaskGroup destroys this task.
    for (;;) {
        static_cast<void>(co_await demand_.wait(net::Deadline::never()));
        if (!co_await socket->wait(net::Deadline::never()))
            co_return;
        if (demand_.is_set())
            start_processes();
    }
}

bool Service::may_start() const
{
    if (removed_ || stopping_ || throttled_)
        return false;
    if (model_ == ProcessModel::Processes && spec_.limit > 0)
        return processes_.size() < spec_.limit;  // the leaving ones count: a successor waits for its predecessor
    return processes_.size() < Scoreboard::slots;
}

// One process, and where clients may be shared one more than those that are busy.
std::size_t Service::wanted_processes() const
{
    if (model_ != ProcessModel::ClientsPerCore)
        return 1;
    auto busy = static_cast<std::size_t>(std::ranges::count_if(processes_, [](const ProcessPtr& process) {
        return !process->leaving && process->reported && !process->status.accepting;
    }));
    return std::min(busy + 1, sharing_processes());
}

std::size_t Service::staying_processes() const
{
    return static_cast<std::size_t>(
        std::ranges::count_if(processes_, [](const ProcessPtr& process) { return !process->leaving; }));
}

std::size_t Service::sharing_processes() const
{
    return spec_.limit > 0 ? std::min<std::size_t>(spec_.limit, common_.processes_per_service)
                           : common_.processes_per_service;
}

void Service::refresh_demand()
{
    bool served = std::ranges::any_of(processes_, [](const ProcessPtr& process) {
        return !process->leaving && (!process->reported || process->status.accepting);
    });
    bool room = staying_processes() < wanted_processes();
    if (!served && room && may_start())
        demand_.set();
    else
        demand_.reset();
}

void Service::start_processes()
{
    while (may_start() && staying_processes() < wanted_processes() && start_process()) {
    }
    refresh_demand();
}

bool Service::start_process()
{
    auto free = std::ranges::find_if(scoreboard_->slots(),
                                     [](const Scoreboard::Slot& slot) { return slot.state == Scoreboard::Free; });
    if (free == scoreboard_->slots().end())
        return false;
    SpawnRequest request;
    request.spec = &spec_;
    request.arguments = command_line();
    for (const net::Listener& socket : sockets_)
        request.listen_fds.push_back(socket.fd());
    request.scoreboard_fd = scoreboard_->fd();
    request.hello.slot = static_cast<std::uint32_t>(free - scoreboard_->slots().begin());
    request.hello.client_limit = spec_.limit;
    request.hello.processes = static_cast<std::uint32_t>(sharing_processes());
    free->clients = 0;
    free->state = Scoreboard::Starting;
    auto process = spawn(request);
    if (!process) {
        free->state = Scoreboard::Free;
        log::warning("{}: {}", spec_.command, process.error().text());
        throttle();
        return false;
    }
    used_ = true;
    processes_.push_back(*process);
    followers_.start(follow(*process));
    return true;
}

std::vector<std::string> Service::command_line() const
{
    std::vector<std::string> arguments{spec_.program(),
                                       "-n",
                                       spec_.name,
                                       "-t",
                                       std::string(config::name(spec_.type)),
                                       "-s",
                                       std::to_string(sockets_.size())};
    if (common_.root && spec_.unprivileged)
        arguments.emplace_back("-u");
    if (common_.root && spec_.chroot)
        arguments.emplace_back("-c");
    for (int i = 0; i < common_.verbosity; ++i)
        arguments.emplace_back("-v");
    arguments.insert(arguments.end(), spec_.arguments.begin(), spec_.arguments.end());
    return arguments;
}

// Reads what the process says until its end of the socket is closed.
Task<void> Service::follow(ProcessPtr process)
{
    for (;;) {
        switch (read_status(*process)) {
        case Heard::Status: break;
        case Heard::End: co_return;
        case Heard::NothingYet:
            if (!co_await process->status_socket->wait(net::Deadline::never()))  // its death ends the wait
                co_return;
        }
    }
}

Service::Heard Service::read_status(Process& process)
{
    server::Status status;
    ssize_t length = ::recv(process.status_socket->fd(), &status, sizeof status, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return Heard::NothingYet;
    if (length != static_cast<ssize_t>(sizeof status) || status.version != server::master_protocol_version)
        return Heard::End;
    bool first = !std::exchange(process.reported, true);
    process.status = status;
    model_ = status.model;
    if (status.leaving)
        process.leaving = true;
    if (status.at_limit)
        note_limit();
    if (first && model_ == ProcessModel::ClientsPerCore && !stopping_)
        start_processes();
    else
        refresh_demand();
    return Heard::Status;
}

void Service::note_limit()
{
    auto now = net::Clock::now();
    if (limit_noted_ && now - *limit_noted_ < limit_interval)
        return;
    limit_noted_ = now;
    log::limit_reached(spec_.name, spec_.port, spec_.limit);
}

// Ends.

bool Service::ended(pid_t pid, int status)
{
    auto position = std::ranges::find(processes_, pid, [](const ProcessPtr& process) { return process->pid; });
    if (position == processes_.end())
        return false;
    ProcessPtr process = *position;
    while (read_status(*process) == Heard::Status) {
    }
    processes_.erase(position);
    Scoreboard::Slot& slot = scoreboard_->slots().at(process->slot);
    slot.clients = 0;
    slot.state = Scoreboard::Free;
    process->status_socket->cancel();
    if (stopping_) {
        if (!killed_)
            explain_end(*process, status);
        return true;
    }

    bool failed = status != 0;
    bool was_told = process->leaving;
    explain_end(*process, status);
    if (failed && net::Clock::now() - process->started < quick)
        ++quick_failures_;
    else
        quick_failures_ = 0;
    const bool bad_startup = !process->reported && !killed_from_outside(status);
    if (bad_startup || quick_failures_ >= max_quick_failures) {
        log::throttling(spec_.command);
        throttle();
        return true;
    }
    if (failed && model_ == ProcessModel::ClientsPerCore && !processes_.empty())
        start_processes();
    refresh_demand();
    // A service that works by itself (qmgr, pickup) is back at once, not at its next wake-up.
    if ((failed || was_told) && processes_.empty() && !spec_.wakeup_after_first_use)
        wake_up();
    return true;
}

void Service::explain_end(const Process& process, int status)
{
    if (WIFSIGNALED(status))
        log::process_killed(spec_.command, process.pid, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        log::process_failed(spec_.command, process.pid, WEXITSTATUS(status));
}

void Service::throttle()
{
    throttled_ = true;
    quick_failures_ = 0;
    throttle_timer_.start(net::Clock::now() + common_.throttle_time);
    refresh_demand();
}

// Wake-ups.

void Service::schedule_wakeup()
{
    if (spec_.wakeup.count() > 0)
        wakeup_timer_.start(net::Clock::now() + spec_.wakeup);
}

// The trigger that Postfix's own clients send, too: one 'W'. It waits in the socket if no process runs yet, and is a
// reason to start one.
void Service::wake_up()
{
    if (spec_.wakeup.count() == 0 || removed_ || stopping_ || throttled_ || (spec_.wakeup_after_first_use && !used_))
        return;
    if (spec_.type == ServiceType::Fifo) {
        static_cast<void>(write_fully(sockets_.front().fd(), "W"));
        return;
    }
    const net::Endpoint& address = spec_.addresses.front();
    int type = spec_.type == ServiceType::UnixDgram ? SOCK_DGRAM : SOCK_STREAM;
    UniqueFd socket(::socket(address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // A full queue of waiting clients (EAGAIN) is a wake-up by itself.
    if (socket && ::connect(socket.get(), address.data(), address.size()) == 0)
        static_cast<void>(::send(socket.get(), "W", 1, MSG_NOSIGNAL));
}

// Changes.

void Service::change(ServiceSpec spec, std::optional<std::vector<UniqueFd>> sockets, const std::string& main_cf)
{
    bool same_command = spec.arguments == spec_.arguments && spec.command == spec_.command &&
                        spec.limit == spec_.limit && spec.chroot == spec_.chroot &&
                        spec.unprivileged == spec_.unprivileged && !sockets;
    spec_ = std::move(spec);
    if (sockets) {
        watchers_.reset();
        sockets_.clear();
        for (UniqueFd& socket : *sockets)
            sockets_.emplace_back(std::move(socket));
    }
    for (const ProcessPtr& process : processes_) {
        if (process->leaving)
            continue;
        // One that has not come up yet may have read the old main.cf; whether it takes the new one it decides itself.
        const bool takes_it = !process->reported || process->status.reloads;
        if (same_command && takes_it && main_cf.size() < server::max_command) {
            process->send(server::Command::Reload, main_cf);
            ++process->reloads_sent;
        } else {
            process->send(server::Command::Leave);
            process->leaving = true;
        }
    }
    throttled_ = false;
    throttle_timer_.cancel();
    start();
}

bool Service::has_changed_over() const
{
    return std::ranges::all_of(processes_, [](const ProcessPtr& process) { return process->has_changed_over(); });
}

std::vector<OpenSocket> Service::open_addresses() const
{
    std::vector<OpenSocket> open;
    auto socket = sockets_.begin();
    for (const net::Endpoint& address : spec_.addresses)
        open.push_back({address, (socket++)->fd()});
    return open;
}

void Service::remove()
{
    removed_ = true;
    wakeup_timer_.cancel();
    throttle_timer_.cancel();
    demand_.reset();
    watchers_.reset();
    sockets_.clear();
    if (!spec_.socket_path.empty())
        ::unlink(spec_.socket_path.c_str());
    for (const ProcessPtr& process : processes_) {
        process->send(server::Command::Leave);
        process->leaving = true;
    }
}

void Service::stop(server::Command command)
{
    stopping_ = true;
    wakeup_timer_.cancel();
    throttle_timer_.cancel();
    demand_.reset();
    for (const ProcessPtr& process : processes_)
        process->send(command);
}

void Service::kill()
{
    killed_ = true;
    for (const ProcessPtr& process : processes_)
        ::kill(process->pid, SIGKILL);
}

}  // namespace posthaste::master
