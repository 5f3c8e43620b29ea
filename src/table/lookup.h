// lookup.h — the answer of a table, and the awaitable that carries it.
//
// Most tables are local and answer at once; some must ask over a network. ReadyOrTask<T> holds either the value or
// the coroutine that will produce it, so that a local answer costs neither a coroutine frame nor an allocation:
//
//     CO_TRY(std::optional<std::string> hit, co_await table.lookup(key));
//
// Synchronous callers (commands, restricted children) test ready() and use take_ready(). Limits: awaited or taken
// once; a pending answer must be awaited on the event loop.
#pragma once

#include "base/result.h"
#include "net/task.h"

#include <coroutine>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace posthaste::table {

template<class T>
class [[nodiscard]] ReadyOrTask {
public:
    ReadyOrTask(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    ReadyOrTask(net::Task<T> task) : state_(std::in_place_index<1>, std::move(task)) {}

    [[nodiscard]] bool ready() const { return state_.index() == 0; }
    // The answer; only when ready().
    T take_ready() { return std::move(*std::get_if<0>(&state_)); }

    auto operator co_await() && noexcept
    {
        struct Awaiter {
            ReadyOrTask& owner;
            bool await_ready() const noexcept { return owner.ready(); }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept
            {
                auto handle = std::get_if<1>(&owner.state_)->handle();
                handle.promise().continuation_ = caller;
                return handle;
            }
            T await_resume()
            {
                if (owner.ready())
                    return owner.take_ready();
                return std::move(*std::get_if<1>(&owner.state_)->handle().promise().value_);
            }
        };
        return Awaiter{*this};
    }

private:
    std::variant<T, net::Task<T>> state_;
};

// The value that belongs to a key, nothing if the table certainly does not have it, or an error. An error is never
// "not found": callers answer it with 4xx.
using Answer = Result<std::optional<std::string>>;
using Lookup = ReadyOrTask<Answer>;

inline Answer not_found() { return std::optional<std::string>(); }
inline Answer found(std::string_view value) { return std::optional<std::string>(std::in_place, value); }

}  // namespace posthaste::table
