// The event loop of a process: one thread over epoll.
//
// A process has one Loop, found with Loop::current(). Everything else in src/net waits through three primitives
// that are declared here: a Watch (readiness of a descriptor), a Timer, and Loop::post (from another thread).
// Awaiting objects may be destroyed while they wait: they unregister themselves.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "net/task.h"

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>

namespace posthaste::net {

using Clock = std::chrono::steady_clock;

// A point in time after which a wait gives up with ErrorKind::Timeout.
class Deadline {
public:
    static Deadline after(Clock::duration delay) { return Deadline(Clock::now() + delay); }
    static Deadline at(Clock::time_point when) { return Deadline(when); }
    // For waits that are bounded by something else (a listener, a peer that is our own process). Say why at the call.
    static Deadline never() { return Deadline(Clock::time_point::max()); }

    [[nodiscard]] Clock::time_point when() const { return when_; }
    [[nodiscard]] bool is_never() const { return when_ == Clock::time_point::max(); }
    [[nodiscard]] bool passed() const { return Clock::now() >= when_; }
    [[nodiscard]] Deadline or_earlier(Deadline other) const { return other.when_ < when_ ? other : *this; }

private:
    explicit Deadline(Clock::time_point when) : when_(when) {}
    Clock::time_point when_;
};

class SendBatch;
class Timer;

class Loop {
public:
    // The loop of this process; made at the first call. Only the main thread may call anything but post().
    static Loop& current();

    // Runs until stop(). Handlers registered with before_wait run each time before the loop would block.
    void run();
    void stop();
    [[nodiscard]] bool stopped() const;
    // How long this loop has slept so far: what is missing to the time that has passed, it worked.
    [[nodiscard]] Clock::duration rested() const;

    // Runs the function on the loop's thread, soon. Safe from any thread.
    void post(std::move_only_function<void()> function);
    // Called before the loop blocks: the logger writes its batch here. Registered for the life of the process.
    void before_wait(std::function<void()> function);
    // What is sent at the end of each turn.
    SendBatch& sends();
    // Calls the function on the loop's thread each time the signal arrives.
    void on_signal(int signal_number, std::function<void(int)> function);
    struct Impl;
    Impl& impl() { return *impl_; }

private:
    Loop();
    ~Loop();
    std::unique_ptr<Impl> impl_;
    friend class Timer;
};

// Calls a function once at a point in time. Owned by whoever needs the call; destroying it cancels.
class Timer {
public:
    explicit Timer(std::move_only_function<void()> function) : function_(std::move(function)) {}
    ~Timer() { cancel(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    void start(Clock::time_point when);  // starting a running timer moves it
    void cancel();
    [[nodiscard]] bool running() const { return position_ != not_queued; }

private:
    friend struct Loop::Impl;
    static constexpr std::size_t not_queued = static_cast<std::size_t>(-1);
    std::move_only_function<void()> function_;
    Clock::time_point when_{};
    std::size_t position_ = not_queued;
};

// Readiness of one non-blocking descriptor. Does not own the descriptor; must be destroyed before it is closed.
class Watch {
public:
    enum class Direction : unsigned char { Read, Write };

    // Alone: nobody else reads from or accepts on what the descriptor refers to. WithOthers: several processes do (a
    // listening socket that is inherited); then nobody is woken who does not wait at that moment.
    enum class Sharing : unsigned char { Alone, WithOthers };

    explicit Watch(int fd, Sharing sharing = Sharing::Alone);
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;
    ~Watch();

    // co_await watch.wait(...): Result<void>; Timeout, or Cancelled when cancel() is called. One waiter a direction.
    class Wait;
    Wait wait(Direction direction, Deadline deadline);
    // Wakes all waiters with Cancelled.
    void cancel();

    struct Impl;

private:
    std::shared_ptr<Impl> impl_;
};

class Watch::Wait {
public:
    Wait(std::shared_ptr<Watch::Impl> watch, Direction direction, Deadline deadline);
    ~Wait();
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    bool await_ready();
    void await_suspend(std::coroutine_handle<> waiter);
    Result<void> await_resume() { return std::move(result_); }

private:
    friend class Watch;
    friend struct Watch::Impl;
    void finish(Result<void> result);

    std::shared_ptr<Watch::Impl> watch_;
    Timer timer_;
    std::coroutine_handle<> waiter_;
    Result<void> result_;
    Deadline deadline_;
    Direction direction_;
};

// co_await sleep_for(...).
class Sleep {
public:
    explicit Sleep(Clock::time_point when) : timer_([this] { waiter_.resume(); }), when_(when) {}
    bool await_ready() { return Clock::now() >= when_; }
    void await_suspend(std::coroutine_handle<> waiter)
    {
        waiter_ = waiter;
        timer_.start(when_);
    }
    void await_resume() {}

private:
    Timer timer_;
    std::coroutine_handle<> waiter_;
    Clock::time_point when_;
};

inline Sleep sleep_for(Clock::duration delay) { return Sleep(Clock::now() + delay); }

}  // namespace posthaste::net
