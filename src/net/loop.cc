// loop.cc — the loop over Boost.Asio's io_context, a binary heap of timers, and descriptor readiness.
//
// Timers live in one intrusive heap behind one Asio timer: a wait inserts and removes an entry without allocating,
// and the Asio timer is moved only when the earliest entry gets earlier.
#include "net/loop.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <vector>

namespace posthaste::net {

namespace asio = boost::asio;

struct Loop::Impl {
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    asio::steady_timer alarm{io};
    Clock::time_point alarm_at = Clock::time_point::max();
    std::vector<Timer*> heap;
    std::vector<std::function<void()>> before_wait;
    std::vector<std::unique_ptr<asio::signal_set>> signals;
    bool stopped = false;

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
        set_alarm();
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

    void set_alarm()
    {
        if (heap.empty() || heap.front()->when_ >= alarm_at)
            return;
        alarm_at = heap.front()->when_;
        alarm.expires_at(alarm_at);
        alarm.async_wait([this](const boost::system::error_code& error) {
            if (error)
                return;  // moved to an earlier time
            alarm_at = Clock::time_point::max();
            expire();
        });
    }

    void expire()
    {
        Clock::time_point now = Clock::now();
        while (!heap.empty() && heap.front()->when_ <= now) {
            Timer* timer = heap.front();
            remove(timer);
            timer->function_();  // may destroy the timer
        }
        set_alarm();
    }

    void wait_for_signal(asio::signal_set& set, const std::shared_ptr<std::function<void(int)>>& function)
    {
        set.async_wait([this, &set, function](const boost::system::error_code& error, int number) {
            if (error)
                return;
            (*function)(number);
            wait_for_signal(set, function);
        });
    }
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
    impl_->io.restart();
    while (!impl_->stopped) {
        if (impl_->io.poll() == 0 && !impl_->stopped) {
            for (auto& function : impl_->before_wait)
                function();
            impl_->io.run_one();
        }
    }
    for (auto& function : impl_->before_wait)
        function();
}

void Loop::stop()
{
    impl_->stopped = true;
    impl_->io.stop();
}

bool Loop::stopped() const { return impl_->stopped; }

void Loop::post(std::move_only_function<void()> function)
{
    asio::post(impl_->io, [function = std::move(function)]() mutable { function(); });
}

void Loop::before_wait(std::function<void()> function) { impl_->before_wait.push_back(std::move(function)); }

void Loop::on_signal(int signal_number, std::function<void(int)> function)
{
    auto& set = impl_->signals.emplace_back(std::make_unique<asio::signal_set>(impl_->io, signal_number));
    impl_->wait_for_signal(*set, std::make_shared<std::function<void(int)>>(std::move(function)));
}

void Loop::abandon_in_child() { impl_->io.notify_fork(asio::io_context::fork_child); }

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

struct Watch::Impl : std::enable_shared_from_this<Watch::Impl> {
    explicit Impl(int fd) : descriptor(Loop::current().impl().io, fd) {}
    ~Impl() { descriptor.release(); }

    // Asks Asio for one readiness event in this direction, unless one is outstanding already (a waiter that timed
    // out leaves it behind).
    void arm(Direction direction)
    {
        auto index = static_cast<std::size_t>(direction);
        if (armed[index])
            return;
        armed[index] = true;
        descriptor.async_wait(direction == Direction::Read ? asio::posix::stream_descriptor::wait_read
                                                           : asio::posix::stream_descriptor::wait_write,
                              [self = shared_from_this(), index](const boost::system::error_code& error) {
                                  self->armed[index] = false;
                                  if (Wait* waiter = self->waiting[index])
                                      waiter->finish(error ? Result<void>(fail(ErrorKind::Cancelled, "cancelled"))
                                                           : Result<void>());
                              });
    }

    asio::posix::stream_descriptor descriptor;
    std::array<Wait*, 2> waiting{};
    std::array<bool, 2> armed{};
};

Watch::Watch(int fd) : impl_(std::make_shared<Impl>(fd)) {}
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
    if (impl_ && impl_->descriptor.is_open())
        impl_->descriptor.release();  // deregisters from the reactor; outstanding waits end with an error
}

Watch::Wait Watch::wait(Direction direction, Deadline deadline) { return {impl_, direction, deadline}; }

void Watch::cancel()
{
    if (!impl_)
        return;
    for (Wait* waiter : impl_->waiting)
        if (waiter)
            waiter->finish(fail(ErrorKind::Cancelled, "cancelled"));
}

Watch::Wait::Wait(std::shared_ptr<Watch::Impl> watch, Direction direction, Deadline deadline)
    : watch_(std::move(watch)), timer_([this] { finish(fail(ErrorKind::Timeout, "timed out")); }), deadline_(deadline),
      direction_(direction)
{
}

Watch::Wait::~Wait()
{
    auto index = static_cast<std::size_t>(direction_);
    if (watch_ && watch_->waiting[index] == this)
        watch_->waiting[index] = nullptr;
}

void Watch::Wait::await_suspend(std::coroutine_handle<> waiter)
{
    auto index = static_cast<std::size_t>(direction_);
    if (watch_->waiting[index])
        panic("two waiters for one direction of a descriptor");
    waiter_ = waiter;
    watch_->waiting[index] = this;
    if (!deadline_.is_never())
        timer_.start(deadline_.when());
    watch_->arm(direction_);
}

void Watch::Wait::finish(Result<void> result)
{
    watch_->waiting[static_cast<std::size_t>(direction_)] = nullptr;
    timer_.cancel();
    result_ = std::move(result);
    waiter_.resume();
}

}  // namespace posthaste::net
