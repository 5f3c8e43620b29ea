// runtime.cc — clients: accepting, limits, serving. What concerns master and the end is runtime_control.cc.
#include "server/runtime.h"

#include "log/log.h"
#include "param/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace posthaste::server {

namespace {

constexpr std::chrono::milliseconds room_poll{50};  // another process's client may have left
constexpr int accepted_at_once = 16;
constexpr std::chrono::milliseconds load_interval{200};
constexpr int saturated_percent = 85;  // of the time that the loop works
constexpr std::chrono::seconds descriptor_pause{1};
constexpr std::size_t max_datagram = std::size_t{64} << 10;
// Under load, datagrams are taken a few at a time: otherwise each of them wakes this process.
constexpr std::chrono::milliseconds datagram_pause{1};

// Copies from one blocking descriptor to another until the end of the first.
void pump(int from, int to)
{
    std::array<char, 8192> buffer;
    for (;;) {
        ssize_t count = ::read(from, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0 || !write_fully(to, {buffer.data(), static_cast<std::size_t>(count)}))
            return;
    }
}

Task<void> stop_after(Task<void> task)
{
    co_await std::move(task);
    net::Loop::current().stop();
}

}  // namespace

void Runtime::serve_sockets(int count)
{
    set_state(Scoreboard::Accepting);
    tasks_.start(follow_master());
    if (hooks_.main)
        main_task_->start(run_main());
    for (int fd = first_listen_fd; fd < first_listen_fd + count; ++fd) {
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        UniqueFd socket(fd);
        if (auto result = set_nonblocking(fd); !result)
            log::fatal("listening socket: {}", result.error().text());
        sockets_.emplace_back(std::move(socket));
    }
    report();  // before the first client: who dies later has come up
    for (auto next = sockets_.begin(); next != sockets_.end();) {
        auto socket = next++;  // a task that ends at once takes it out of the list
        if (context_.service_type == "unix-dgram")
            tasks_.start(receive_datagrams(socket));
        else if (context_.service_type == "fifo")
            tasks_.start(receive_fifo(socket));
        else
            tasks_.start(accept_clients(socket));
    }
    check_idle();
    look_at_tables();
    arm_watchdog();
    if (!net::Loop::current().stopped())
        net::Loop::current().run();
}

void Runtime::serve_standard_input()
{
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
        log::fatal("socketpair: {}", std::strerror(errno));
    UniqueFd outside(pair[0]);
    net::Stream inside{UniqueFd(pair[1])};
    MUST(set_nonblocking(pair[1]));
    std::thread([fd = outside.get()] {
        pump(STDIN_FILENO, fd);
        ::shutdown(fd, SHUT_WR);
    }).detach();  // ends with the process: a read from a terminal cannot be called off
    std::thread output([fd = outside.get()] { pump(fd, STDOUT_FILENO); });
    arm_watchdog();
    tasks_.start(stop_after(hooks_.serve(std::move(inside), *net::Endpoint::ip("127.0.0.1", 0))));
    if (!tasks_.empty())
        net::Loop::current().run();
    output.join();
    outside.release();  // the detached thread may still use it
}

// Clients.

Task<void> Runtime::accept_clients(Sockets::iterator socket)
{
    int at_once = 0;
    while (!context_.is_leaving()) {
        if (!co_await wait_for_room())
            break;
        if (!enter())
            continue;
        auto accepted = socket->accept_now();
        if (accepted && *accepted) {
            entered(std::move(**accepted));
            if (++at_once < accepted_at_once)
                continue;
        } else {
            left();
        }
        at_once = 0;
        if (!accepted)
            co_await pause_without_descriptors(accepted.error().text());
        if (!co_await socket->wait(net::Deadline::never()))  // ends with cancel() in begin_to_leave()
            break;
    }
    sockets_.erase(socket);
}

bool Runtime::limits_clients() const { return hooks_.model != ProcessModel::Processes && context_.client_limit > 0; }

Task<bool> Runtime::wait_for_room()
{
    while (!context_.is_leaving() && limits_clients() && scoreboard_->clients() >= context_.client_limit) {
        if (!std::exchange(at_limit_, true))
            report();
        static_cast<void>(co_await room_.wait(net::Deadline::after(room_poll)));
    }
    if (!context_.is_leaving() && std::exchange(at_limit_, false))
        report();
    co_return !context_.is_leaving();
}

// Counts one more client unless that breaks the limit; of two processes that try at once both may have to try again.
bool Runtime::enter()
{
    if (hooks_.model == ProcessModel::Processes) {
        ++client_count_;
        return true;
    }
    slot_->clients.fetch_add(1);
    if (context_.client_limit > 0 && scoreboard_->clients() > context_.client_limit) {
        slot_->clients.fetch_sub(1);
        return false;
    }
    ++client_count_;
    return true;
}

void Runtime::left()
{
    --client_count_;
    if (hooks_.model != ProcessModel::Processes)
        slot_->clients.fetch_sub(1);
    last_use_ = net::Clock::now();
    room_.pulse();
    if (client_count_ == 0)
        check_idle();
}

void Runtime::entered(net::Listener::Accepted accepted)
{
    idle_timer_.cancel();
    if (!load_timer_.running())
        measure_load();
    client_tasks_.start(serve_client(std::move(accepted.stream), accepted.peer));
}

// A network server begins as one process: more sessions in one process means more mail in one flush. When its loop
// hardly rests, it tells master that it takes no more clients gladly; master starts another for those that come, and
// from then on whoever is awake first accepts.
void Runtime::measure_load()
{
    if (hooks_.model != ProcessModel::ClientsPerCore || processes_ < 2)
        return;
    auto now = net::Clock::now();
    auto rested = net::Loop::current().rested();
    bool measured = load_since_ != net::Clock::time_point{} && now - load_since_ > load_interval / 2;
    bool busy = measured && (rested - rested_before_) * 100 < (now - load_since_) * (100 - saturated_percent);
    load_since_ = now;
    rested_before_ = rested;
    if (std::exchange(saturated_, busy) != busy)
        report();
    if (client_count_ > 0)
        load_timer_.start(now + load_interval);
}

Task<void> Runtime::pause_without_descriptors(std::string reason)
{
    if (!std::exchange(out_of_descriptors_, true))
        log::warning("{}: clients wait until a descriptor is free", reason);
    co_await net::sleep_for(descriptor_pause);
}

Task<void> Runtime::serve_client(net::Stream stream, net::Endpoint peer)
{
    auto read_end = read_ends_.end();
    if (context_.service_type == "unix")
        read_end = read_ends_.emplace(read_ends_.end(), ::fcntl(stream.fd(), F_DUPFD_CLOEXEC, 0));
    if (context_.service_type == "pass")
        co_await serve_passed(std::move(stream));
    else if (hooks_.serve && hooks_.trigger)
        co_await serve_first(std::move(stream), peer);
    else if (hooks_.serve)
        co_await hooks_.serve(std::move(stream), peer);
    else
        co_await serve_triggers(std::move(stream));
    if (read_end != read_ends_.end())
        read_ends_.erase(read_end);
    left();
}

// A trigger begins with its upper-case letter, our own protocols with the word "protocol".
Task<void> Runtime::serve_first(net::Stream stream, net::Endpoint peer)
{
    if (!co_await stream.fill(net::Deadline::after(context_.config->get(param::ipc_timeout))))
        co_return;
    if (char first = stream.buffered().front(); first >= 'A' && first <= 'Z')
        co_await serve_triggers(std::move(stream));
    else
        co_await hooks_.serve(std::move(stream), peer);
}

Task<void> Runtime::serve_triggers(net::Stream stream)
{
    net::Deadline deadline = net::Deadline::after(context_.config->get(param::trigger_timeout));
    for (;;) {
        std::string requests(stream.buffered());
        stream.consume(requests.size());
        for (char request : requests)
            if (request != '\0' && hooks_.trigger)
                co_await hooks_.trigger(request);
        if (!co_await stream.fill(deadline))
            co_return;
    }
}

// pass services: postscreen and the like hand over a client's socket.
Task<void> Runtime::serve_passed(net::Stream from)
{
    auto fd = co_await from.receive_fd(net::Deadline::after(context_.config->get(param::ipc_timeout)));
    if (!fd)
        co_return;
    auto peer = net::Endpoint::of_peer(fd->get());
    if (!peer || !set_nonblocking(fd->get()))
        co_return;  // the client has gone already
    from.close();
    co_await hooks_.serve(net::Stream(std::move(*fd)), *peer);
}

Task<void> Runtime::receive_datagrams(Sockets::iterator socket)
{
    std::string buffer(max_datagram, '\0');
    bool took_some = false;
    // Before the system stops, what has arrived is taken: senders do not repeat it. Otherwise it is the successor's.
    for (bool waited = true; waited && context_.leaving() != Leaving::WhenDone;) {
        ssize_t length = ::recv(socket->fd(), buffer.data(), buffer.size(), 0);
        if (length >= 0) {
            last_use_ = net::Clock::now();
            co_await hooks_.datagram(buffer.substr(0, static_cast<std::size_t>(length)));
            took_some = true;
        } else if (errno != EINTR && std::exchange(took_some, false)) {
            co_await net::sleep_for(datagram_pause);
        } else if (errno != EINTR) {
            waited = !context_.is_leaving() && (co_await socket->wait(net::Deadline::never())).has_value();
        }
    }
    sockets_.erase(socket);
}

Task<void> Runtime::receive_fifo(Sockets::iterator socket)
{
    std::array<char, 512> buffer;
    while (!context_.is_leaving() && co_await socket->wait(net::Deadline::never())) {
        ssize_t length = ::read(socket->fd(), buffer.data(), buffer.size());
        last_use_ = net::Clock::now();
        for (ssize_t i = 0; i < length; ++i)
            if (hooks_.trigger)
                co_await hooks_.trigger(buffer[static_cast<std::size_t>(i)]);
    }
    sockets_.erase(socket);
}

}  // namespace posthaste::server
