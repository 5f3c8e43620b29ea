// tasks.cc — Event, TaskGroup, Semaphore and the pool of threads for blocking work.
#include "net/tasks.h"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace posthaste::net {

void Event::set()
{
    set_ = true;
    pulse();
}

Event::~Event()
{
    if (destroyed_)
        *destroyed_ = true;
}

void Event::pulse()
{
    // A woken task may wait again at once: it queues behind, with this round's number, and is not woken again. It may
    // also destroy this event.
    bool destroyed = false;
    bool* outer = std::exchange(destroyed_, &destroyed);
    std::uint64_t round = ++round_;
    while (!waiting_.empty() && waiting_.front()->round_ < round) {
        waiting_.front()->finish({});
        if (destroyed) {
            if (outer)
                *outer = true;
            return;
        }
    }
    destroyed_ = outer;
}

Event::Wait Event::wait(Deadline deadline) { return {*this, deadline}; }

Event::Wait::Wait(Event& event, Deadline deadline)
    : event_(&event), timer_([this] { finish(fail(ErrorKind::Timeout, "timed out")); }), deadline_(deadline)
{
}

Event::Wait::~Wait()
{
    if (queued_)
        event_->waiting_.erase(position_);
}

void Event::Wait::await_suspend(std::coroutine_handle<> waiter)
{
    waiter_ = waiter;
    round_ = event_->round_;
    position_ = event_->waiting_.insert(event_->waiting_.end(), this);
    queued_ = true;
    if (!deadline_.is_never())
        timer_.start(deadline_.when());
}

void Event::Wait::finish(Result<void> result)
{
    event_->waiting_.erase(position_);
    queued_ = false;
    timer_.cancel();
    result_ = std::move(result);
    waiter_.resume();
}

// The coroutine that runs one task of a group and takes itself out of the group's list at the end.
struct TaskGroup::Driver {
    struct promise_type : PooledFrame {
        Driver get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        [[noreturn]] void unhandled_exception() noexcept { panic("exception left a coroutine"); }
    };
    std::coroutine_handle<promise_type> handle;

    static Driver run(TaskGroup* group, std::list<std::coroutine_handle<>>::iterator position, Task<void> task)
    {
        co_await std::move(task);
        group->drivers_.erase(position);
        if (group->drivers_.empty())
            group->empty_.pulse();
    }
};

TaskGroup::~TaskGroup()
{
    while (!drivers_.empty()) {
        std::coroutine_handle<> handle = drivers_.front();
        drivers_.pop_front();
        handle.destroy();
    }
}

void TaskGroup::start(Task<void> task)
{
    auto position = drivers_.insert(drivers_.end(), std::coroutine_handle<>());
    Driver driver = Driver::run(this, position, std::move(task));
    *position = driver.handle;
    driver.handle.resume();
}

Task<Result<void>> TaskGroup::join(Deadline deadline)
{
    while (!drivers_.empty())
        CO_TRY(co_await empty_.wait(deadline));
    co_return Result<void>{};
}

Task<Result<void>> Semaphore::acquire(Deadline deadline)
{
    while (permits_ == 0)
        CO_TRY(co_await available_.wait(deadline));
    --permits_;
    co_return Result<void>{};
}

void Semaphore::release()
{
    ++permits_;
    available_.pulse();
}

void run_in_thread_pool(std::move_only_function<void()> work)
{
    // Never destroyed: work may still run when the process leaves with _exit().
    static auto* pool = new boost::asio::thread_pool(4);
    boost::asio::post(*pool, [work = std::move(work)]() mutable { work(); });
}

}  // namespace posthaste::net
