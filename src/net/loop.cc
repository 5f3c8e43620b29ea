// loop.cc — epoll, a binary heap of timers, posted functions and signals, in one thread.
//
// Descriptors are registered once, edge-triggered, and stay registered as long as their Watch lives: a wait for input
// that finds nothing ready costs no system call of its own. A Watch for something that others consume as well (a
// listening socket that several processes share) is armed for one event at a time instead, so that nobody is woken for
// what somebody else takes. Why this is not Boost.Asio: doc/decisions/event-loop.md.
#include "net/loop.h"

#include "net/send_batch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <span>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <thread>
#include <vector>

namespace posthaste::net {

struct Watch::Impl : std::enable_shared_from_this<Watch::Impl> {
    Impl(int descriptor, Sharing how) : fd(descriptor), sharing(how) {}
    ~Impl();

    void arm();
    // The kernel says that something happened; wakes whoever waits for it, or keeps it for the next wait.
    void happened(std::uint32_t events);
    void wake(Direction direction, const Error* error);

    int fd;
    Sharing sharing;
    std::uint32_t registered = 0;  // epoll events; 0: not registered
    std::array<Wait*, 2> waiting{};
    std::array<bool, 2> ready{};  // an edge that nobody has waited for yet
    std::array<bool, 2> ended{};  // the peer's end or an error: always ready, no further edge will tell of it
};

namespace {

// The write end of the pipe through which signals reach the loop, whichever thread they arrive on.
volatile std::sig_atomic_t signal_pipe = -1;

void on_any_signal(int number)
{
    int saved = errno;
    auto byte = static_cast<unsigned char>(number);
    static_cast<void>(::write(signal_pipe, &byte, 1));
    errno = saved;
}

}  // namespace

struct Loop::Impl {
    Impl() : epoll(::epoll_create1(EPOLL_CLOEXEC)), wake_up(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
            panic("pipe2");
        signals = UniqueFd(ends[0]);
        signals_in = UniqueFd(ends[1]);
        signal_pipe = ends[1];
        add(wake_up);
        add(signals);
    }

    // One of the loop's own descriptors: its address is how turn() knows it.
    void add(const UniqueFd& fd) const
    {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = const_cast<UniqueFd*>(&fd);
        if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0)
            panic("epoll_ctl");
    }

    // --- timers
    void place(Timer* timer, std::size_t position)
    {
        heap[position] = timer;
        timer->position_ = position;
    }

    void sift_up(std::size_t position)
    {
        Timer* timer = heap[position];
        while (position > 0) {
            std::size_t parent = (position - 1) / 2;
            if (heap[parent]->when_ <= timer->when_)
                break;
            place(heap[parent], position);
            position = parent;
        }
        place(timer, position);
    }

    void sift_down(std::size_t position)
    {
        Timer* timer = heap[position];
        for (;;) {
            std::size_t child = 2 * position + 1;
            if (child >= heap.size())
                break;
            if (child + 1 < heap.size() && heap[child + 1]->when_ < heap[child]->when_)
                ++child;
            if (timer->when_ <= heap[child]->when_)
                break;
            place(heap[child], position);
            position = child;
        }
        place(timer, position);
    }

    void insert(Timer* timer)
    {
        heap.push_back(timer);
        sift_up(heap.size() - 1);
    }

    void remove(Timer* timer)
    {
        std::size_t position = timer->position_;
        timer->position_ = Timer::not_queued;
        Timer* last = heap.back();
        heap.pop_back();
        if (last == timer)
            return;
        place(last, position);
        sift_up(position);
        sift_down(last->position_);
    }

    void expire()
    {
        if (heap.empty())
            return;
        Clock::time_point now = Clock::now();
        while (!heap.empty() && heap.front()->when_ <= now) {
            Timer* timer = heap.front();
            remove(timer);
            timer->function_();  // may destroy the timer
        }
    }

    // Milliseconds until the next timer, rounded up: never earlier than asked.
    [[nodiscard]] int patience() const
    {
        if (heap.empty())
            return -1;
        auto left = std::chrono::ceil<std::chrono::milliseconds>(heap.front()->when_ - Clock::now()).count();
        return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
    }

    // --- posted functions and signals
    // False: there was none.
    bool run_posted()
    {
        std::vector<std::move_only_function<void()>> functions;
        {
            std::lock_guard lock(mutex);
            functions.swap(posted);
        }
        for (auto& function : functions)
            function();
        return !functions.empty();
    }

    void read_wake_up() const
    {
        std::uint64_t count = 0;
        static_cast<void>(::read(wake_up.get(), &count, sizeof count));
    }

    void read_signals()
    {
        unsigned char number = 0;
        while (::read(signals.get(), &number, 1) == 1)
            for (std::size_t i = 0; i < on_signal.size(); ++i)  // a function may register another
                if (on_signal[i].first == number)
                    on_signal[i].second(number);
    }

    // Handles what is ready or posted; waits for it at most this long, in milliseconds. False: nothing was.
    bool turn(int milliseconds)
    {
        std::array<epoll_event, 256> events;
        Clock::time_point before = milliseconds != 0 ? Clock::now() : Clock::time_point{};
        int count = ::epoll_wait(epoll.get(), events.data(), events.size(), milliseconds);
        if (milliseconds != 0)
            rested += Clock::now() - before;
        // A handler may destroy the Watch of a later event of this turn: those are taken out of `current`.
        current = std::span(events.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
        bool woken = false;
        bool signalled = false;
        for (epoll_event& event : current) {
            if (event.data.ptr == &wake_up)
                woken = true;
            else if (event.data.ptr == &signals)
                signalled = true;
            else if (event.events != 0)
                static_cast<Watch::Impl*>(event.data.ptr)->happened(event.events);
        }
        current = {};
        if (woken)
            read_wake_up();
        if (signalled)
            read_signals();
        bool ran = run_posted();
        const bool sent = sends.flush();  // before a timer ends the process
        expire();
        return count > 0 || ran || sent;
    }

    void forget(const Watch::Impl* watch)
    {
        for (epoll_event& event : current)
            if (event.data.ptr == watch)
                event.events = 0;
    }

    UniqueFd epoll;
    UniqueFd wake_up;
    UniqueFd signals;
    UniqueFd signals_in;
    std::span<epoll_event> current;
    std::vector<Timer*> heap;
    SendBatch sends;
    std::vector<std::function<void()>> before_wait;
    std::vector<std::pair<int, std::function<void(int)>>> on_signal;
    std::mutex mutex;
    std::vector<std::move_only_function<void()>> posted;  // guarded by mutex
    std::thread::id runner;                               // guarded by mutex: who is in run(), and sees what he posts
    Clock::duration rested{};
    bool stopped = false;
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

Loop& Loop::current()
{
    // Never destroyed: tasks and timers with static life time may outlive main().
    static Loop* loop = new Loop();
    return *loop;
}

void Loop::run()
{
    impl_->stopped = false;
    {
        std::lock_guard lock(impl_->mutex);
        impl_->runner = std::this_thread::get_id();
    }
    auto all_before_wait = [this] {
        for (auto& function : impl_->before_wait)
            function();
    };
    while (!impl_->stopped) {
        // What is ready is handled first; only then are batches written, and only then may the loop sleep.
        if (impl_->turn(0) || impl_->stopped)
            continue;
        all_before_wait();
        bool more = false;
        {
            std::lock_guard lock(impl_->mutex);
            more = !impl_->posted.empty() || !impl_->sends.empty();
        }
        impl_->turn(more ? 0 : impl_->patience());
    }
    all_before_wait();
}

void Loop::stop() { impl_->stopped = true; }

bool Loop::stopped() const { return impl_->stopped; }

Clock::duration Loop::rested() const { return impl_->rested; }

void Loop::post(std::move_only_function<void()> function)
{
    bool wake_up = false;
    {
        std::lock_guard lock(impl_->mutex);
        wake_up = impl_->posted.empty() && impl_->runner != std::this_thread::get_id();
        impl_->posted.push_back(std::move(function));
    }
    std::uint64_t one = 1;
    if (wake_up)
        static_cast<void>(::write(impl_->wake_up.get(), &one, sizeof one));
}

void Loop::before_wait(std::function<void()> function) { impl_->before_wait.push_back(std::move(function)); }

SendBatch& Loop::sends() { return impl_->sends; }

void Loop::on_signal(int signal_number, std::function<void(int)> function)
{
    impl_->on_signal.emplace_back(signal_number, std::move(function));
    struct sigaction action{};
    action.sa_handler = on_any_signal;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal_number, &action, nullptr);
}

void Timer::start(Clock::time_point when)
{
    Loop::Impl& loop = Loop::current().impl();
    if (running())
        loop.remove(this);
    when_ = when;
    loop.insert(this);
}

void Timer::cancel()
{
    if (running())
        Loop::current().impl().remove(this);
}

// --- Watch

Watch::Impl::~Impl()
{
    Loop::Impl& loop = Loop::current().impl();
    loop.forget(this);
    if (registered != 0)
        ::epoll_ctl(loop.epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Watch::Impl::arm()
{
    epoll_event event{};
    event.data.ptr = this;
    // Room to write is asked for only while somebody waits for it: a UNIX socket would report each read of its peer.
    event.events = waiting[1] ? EPOLLOUT : 0U;
    if (sharing == Sharing::Alone)
        event.events |= EPOLLIN | EPOLLRDHUP | EPOLLET;
    else
        event.events |= (waiting[0] ? EPOLLIN : 0U) | EPOLLONESHOT;
    if (sharing == Sharing::Alone && event.events == registered)
        return;
    int operation = registered != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (::epoll_ctl(Loop::current().impl().epoll.get(), operation, fd, &event) != 0) {
        happened(EPOLLIN | EPOLLOUT);  // a regular file cannot be watched and is always ready
        return;
    }
    registered = event.events;
}

void Watch::Impl::happened(std::uint32_t events)
{
    auto self = shared_from_this();  // a woken task may destroy the Watch
    constexpr std::uint32_t any = EPOLLERR | EPOLLHUP;
    ended[0] = ended[0] || (events & (EPOLLRDHUP | any)) != 0;
    ended[1] = ended[1] || (events & any) != 0;
    bool readable = (events & (EPOLLIN | EPOLLRDHUP | any)) != 0;
    bool writable = (events & (EPOLLOUT | any)) != 0;
    if (readable)
        wake(Direction::Read, nullptr);
    if (writable)
        wake(Direction::Write, nullptr);
    if (sharing == Sharing::WithOthers && (waiting[0] || waiting[1]))
        arm();  // one shot: the other direction still waits
}

void Watch::Impl::wake(Direction direction, const Error* error)
{
    auto index = static_cast<std::size_t>(direction);
    if (Wait* waiter = waiting.at(index))
        waiter->finish(error ? Result<void>(fail(*error)) : Result<void>());
    else if (!error && sharing == Sharing::Alone)
        ready.at(index) = true;
}

Watch::Watch(int fd, Sharing sharing) : impl_(std::make_shared<Impl>(fd, sharing)) {}
Watch::Watch(Watch&&) noexcept = default;

Watch& Watch::operator=(Watch&& other) noexcept
{
    if (this != &other) {
        cancel();
        impl_ = std::move(other.impl_);
    }
    return *this;
}

Watch::~Watch()
{
    cancel();
    if (!impl_)
        return;
    // Before the descriptor is closed; a task that is being woken may still hold the rest.
    Loop::Impl& loop = Loop::current().impl();
    loop.forget(impl_.get());
    if (impl_->registered != 0)
        ::epoll_ctl(loop.epoll.get(), EPOLL_CTL_DEL, impl_->fd, nullptr);
    impl_->registered = 0;
}

Watch::Wait Watch::wait(Direction direction, Deadline deadline) { return {impl_, direction, deadline}; }

void Watch::cancel()
{
    if (!impl_)
        return;
    auto self = impl_;
    Error cancelled(ErrorKind::Cancelled, "cancelled");
    self->wake(Direction::Read, &cancelled);
    self->wake(Direction::Write, &cancelled);
}

Watch::Wait::Wait(std::shared_ptr<Watch::Impl> watch, Direction direction, Deadline deadline)
    : watch_(std::move(watch)), timer_([this] { finish(fail(ErrorKind::Timeout, "timed out")); }), deadline_(deadline),
      direction_(direction)
{
}

Watch::Wait::~Wait()
{
    auto index = static_cast<std::size_t>(direction_);
    if (watch_ && watch_->waiting.at(index) == this)
        watch_->waiting.at(index) = nullptr;
}

bool Watch::Wait::await_ready()
{
    // An edge that came while nobody waited. The caller tries its system call again and comes back if it was stale.
    auto index = static_cast<std::size_t>(direction_);
    return watch_->ended.at(index) || std::exchange(watch_->ready.at(index), false);
}

void Watch::Wait::await_suspend(std::coroutine_handle<> waiter)
{
    auto index = static_cast<std::size_t>(direction_);
    if (watch_->waiting.at(index))
        panic("two waiters for one direction of a descriptor");
    waiter_ = waiter;
    watch_->waiting.at(index) = this;
    if (!deadline_.is_never())
        timer_.start(deadline_.when());
    watch_->arm();
}

void Watch::Wait::finish(Result<void> result)
{
    watch_->waiting.at(static_cast<std::size_t>(direction_)) = nullptr;
    timer_.cancel();
    result_ = std::move(result);
    waiter_.resume();
}

}  // namespace posthaste::net
