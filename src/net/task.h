// Task<T>: a lazily started coroutine that produces one T.
//
// A Task does nothing until it is awaited (or handed to net::TaskGroup, which owns and starts it). It runs on the
// thread of the event loop only. Parameters of a coroutine that returns Task are taken by value or outlive it;
// capturing lambdas are never coroutines. Exceptions do not leave a coroutine: errors are values (base/result.h),
// and an exception that gets this far is a bug and ends the process.
#pragma once

#include "base/result.h"
#include "net/frame_pool.h"

#include <coroutine>
#include <optional>
#include <utility>

namespace posthaste::net {

template<class T = void>
class Task;

namespace detail {

struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template<class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) noexcept
    {
        return finished.promise().continuation_;
    }
    void await_resume() noexcept {}
};

struct PromiseBase : PooledFrame {
    std::suspend_always initial_suspend() noexcept { return {}; }
    FinalAwaiter final_suspend() noexcept { return {}; }
    [[noreturn]] void unhandled_exception() noexcept { panic("exception left a coroutine"); }

    std::coroutine_handle<> continuation_ = std::noop_coroutine();
};

template<class T>
struct Promise : PromiseBase {
    Task<T> get_return_object();
    template<class U>
    void return_value(U&& value)
    {
        value_.emplace(std::forward<U>(value));
    }
    std::optional<T> value_;
};

template<>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    void return_void() {}
};

}  // namespace detail

// Owns the coroutine frame. Destroying a Task that has not finished destroys the frame and with it whatever it
// waits for: awaitables of src/net unregister themselves when they are destroyed.
template<class T>
class [[nodiscard]] Task {
public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    Task() = default;
    explicit Task(Handle handle) : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    Task& operator=(Task&& other) noexcept
    {
        if (this != &other) {
            if (handle_)
                handle_.destroy();
            handle_ = std::exchange(other.handle_, {});
        }
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task()
    {
        if (handle_)
            handle_.destroy();
    }

    [[nodiscard]] bool valid() const { return static_cast<bool>(handle_); }
    [[nodiscard]] Handle handle() const { return handle_; }

    // co_await task: starts it and resumes the caller with its value.
    auto operator co_await() && noexcept
    {
        struct Awaiter {
            Handle handle;
            bool await_ready() noexcept { return !handle || handle.done(); }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept
            {
                handle.promise().continuation_ = caller;
                return handle;
            }
            T await_resume()
            {
                if constexpr (!std::is_void_v<T>)
                    return std::move(*handle.promise().value_);
            }
        };
        return Awaiter{handle_};
    }

private:
    Handle handle_;
};

template<class T>
Task<T> detail::Promise<T>::get_return_object()
{
    return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}

inline Task<void> detail::Promise<void>::get_return_object()
{
    return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

}  // namespace posthaste::net

namespace posthaste {
using net::Task;
}
