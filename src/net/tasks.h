// Owners of tasks, and what tasks use to wait for each other. All of it belongs to the loop's thread.
#pragma once

#include "net/loop.h"
#include "net/task.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

namespace posthaste::net {

// Something that happens once or repeatedly: set() wakes all who wait. wait() returns at once while it is set.
class Event {
public:
    Event() = default;
    ~Event();
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    void set();
    void reset() { set_ = false; }
    // Wakes those who wait now without staying set.
    void pulse();
    [[nodiscard]] bool is_set() const { return set_; }

    class Wait;
    // co_await event.wait(deadline): Result<void>, Timeout when the deadline passes first.
    Wait wait(Deadline deadline);

private:
    friend class Wait;
    std::list<Wait*> waiting_;
    std::uint64_t round_ = 0;
    bool* destroyed_ = nullptr;  // set while pulse() runs
    bool set_ = false;
};

class Event::Wait {
public:
    Wait(Event& event, Deadline deadline);
    ~Wait();
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    bool await_ready() const { return event_->set_; }
    void await_suspend(std::coroutine_handle<> waiter);
    Result<void> await_resume() { return std::move(result_); }

private:
    friend class Event;
    void finish(Result<void> result);
    Event* event_;
    Timer timer_;
    std::coroutine_handle<> waiter_;
    std::list<Wait*>::iterator position_;
    Result<void> result_;
    Deadline deadline_;
    std::uint64_t round_ = 0;
    bool queued_ = false;
};

// Owns running tasks. start() runs a task up to its first wait; a finished task is removed by itself. Destroying
// the group destroys the tasks that still run (their awaitables unregister); join() waits for them instead.
class TaskGroup {
public:
    TaskGroup() = default;
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup();

    void start(Task<void> task);
    // Resumes when no task is left; Timeout if the deadline passes first.
    Task<Result<void>> join(Deadline deadline);
    [[nodiscard]] std::size_t size() const { return drivers_.size(); }
    [[nodiscard]] bool empty() const { return drivers_.empty(); }

private:
    struct Driver;
    std::list<std::coroutine_handle<>> drivers_;
    Event empty_;
};

// Counts permits; acquire() waits for one, in order of arrival.
class Semaphore {
public:
    explicit Semaphore(std::size_t permits) : permits_(permits) {}
    Task<Result<void>> acquire(Deadline deadline);
    void release();

private:
    std::size_t permits_;
    Event available_;
};

// Runs work that blocks (getpwnam, native resolver, BDB) on a small pool of threads and resumes with its result.
// The function must not touch anything that belongs to the loop's thread. If the waiting task is destroyed, the
// work still runs to its end and its result is dropped.
void run_in_thread_pool(std::move_only_function<void()> work);

template<class F>
Task<std::invoke_result_t<F&>> in_thread(F work)
{
    using Value = std::invoke_result_t<F&>;
    struct Shared {
        std::optional<Value> value;
        Event done;
    };
    auto shared = std::make_shared<Shared>();
    run_in_thread_pool([shared, work = std::move(work)]() mutable {
        auto value = std::make_shared<std::optional<Value>>(work());
        Loop::current().post([shared, value] {
            shared->value = std::move(*value);
            shared->done.set();
        });
    });
    // The pool always finishes its work; the work itself bounds its time.
    static_cast<void>(co_await shared->done.wait(Deadline::never()));
    co_return std::move(*shared->value);
}

// Runs the loop until the task has finished and returns its value: for commands and tests.
template<class T>
T run_until_done(Task<T> task);

namespace detail {
template<class T>
Task<void> store_and_stop(Task<T> task, std::optional<T>* value)
{
    value->emplace(co_await std::move(task));
    Loop::current().stop();
}
inline Task<void> finish_and_stop(Task<void> task)
{
    co_await std::move(task);
    Loop::current().stop();
}
}  // namespace detail

template<class T>
T run_until_done(Task<T> task)
{
    TaskGroup group;
    if constexpr (std::is_void_v<T>) {
        group.start(detail::finish_and_stop(std::move(task)));
        if (!group.empty())
            Loop::current().run();
    } else {
        std::optional<T> value;
        group.start(detail::store_and_stop(std::move(task), &value));
        if (!value)
            Loop::current().run();
        return std::move(*value);
    }
}

}  // namespace posthaste::net
