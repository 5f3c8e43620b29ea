// Result<T>: how a function says that it could not do what it was asked to do.
//
// An Error is a value: a kind that the caller can act upon, a text for the person who reads the log, and the
// place where it was made. One small enumeration serves all libraries, because what a caller decides is the same
// everywhere: try again later (4xx), give up for good (5xx), or say that the input is wrong.
//
// TRY(name_declaration, expression) and TRY(expression) pass an error up; CO_TRY does the same in a coroutine.
// MUST(expression) is for what cannot fail unless the program is wrong.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <expected>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace posthaste {

enum class ErrorKind : std::uint8_t {
    Invalid,      // the input breaks its grammar or its bounds; the same input will fail again
    NotFound,     // what was named does not exist, and it is certain that it does not
    Exists,       // what was to be made is there already
    Denied,       // the operating system or a policy says no
    Limit,        // a configured or built-in limit was reached
    NoSpace,      // the file system or the queue is full; later it may not be
    Io,           // the operating system reported an error on a file or a connection
    Timeout,      // a deadline passed
    Closed,       // the peer ended the connection
    Cancelled,    // this process gave the work up (it is leaving)
    Corrupt,      // stored data fails its checksum or its structure
    Temporary,    // it did not work and nothing is known for certain: try again
    Unsupported,  // known, and deliberately not done here
};

// The word for a kind in messages and tests ("not found", "timeout", ...).
std::string_view name(ErrorKind kind);

class Error {
public:
    Error(ErrorKind kind, std::string text, std::source_location where = std::source_location::current())
        : text_(std::move(text)), where_(where), kind_(kind)
    {
    }

    // An error of the operating system: "<what>: <strerror>". The kind follows from errno (ENOENT: NotFound,
    // EACCES/EPERM: Denied, ENOSPC/EDQUOT: NoSpace, ETIMEDOUT: Timeout, ECONNRESET/EPIPE: Closed, others: Io).
    static Error system(int error_number, std::string_view what,
                        std::source_location where = std::source_location::current());

    [[nodiscard]] ErrorKind kind() const { return kind_; }
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] std::source_location where() const { return where_; }

    // The same error with "<context>: " before its text.
    [[nodiscard]] Error in(std::string_view context) &&;

private:
    std::string text_;
    std::source_location where_;
    ErrorKind kind_;
};

template<class T = void>
using Result = std::expected<T, Error>;

// std::unexpected with an Error, for `return fail(ErrorKind::Invalid, "...")`.
inline std::unexpected<Error> fail(ErrorKind kind, std::string text,
                                   std::source_location where = std::source_location::current())
{
    return std::unexpected<Error>(Error(kind, std::move(text), where));
}

inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }

// fail(Error::system(errno, what)).
std::unexpected<Error> fail_errno(std::string_view what, std::source_location where = std::source_location::current());

// A bug in this program: logs the text and aborts. Never returns.
[[noreturn]] void panic(std::string_view text, std::source_location where = std::source_location::current());
// Called by panic() with its text before it aborts: the logger sets it.
void set_panic_hook(void (*hook)(std::string_view text));

namespace detail {
inline Result<void> drop_value(const Result<void>& result) { return result; }
template<class R>
void must_or_panic(const R& result, const char* expression, std::source_location where)
{
    if (!result)
        panic(std::string(expression) + ": " + result.error().text(), where);
}
}  // namespace detail

#define POSTHASTE_CONCAT_(a, b) a##b
#define POSTHASTE_CONCAT(a, b) POSTHASTE_CONCAT_(a, b)
#define POSTHASTE_PICK_(_1, _2, name, ...) name
#define POSTHASTE_TRY_VALUE_(ret, temporary, declaration, expression)                                                  \
    auto temporary = (expression);                                                                                     \
    if (!temporary)                                                                                                    \
        ret ::std::unexpected<::posthaste::Error>(::std::move(temporary).error());                                     \
    declaration = ::std::move(*temporary) /* the caller writes the semicolon */
#define POSTHASTE_TRY_VOID_(ret, temporary, expression)                                                                \
    if (auto temporary = (expression); !temporary)                                                                     \
    ret ::std::unexpected<::posthaste::Error>(::std::move(temporary).error())
#define POSTHASTE_TRY1_(expression) POSTHASTE_TRY_VOID_(return, POSTHASTE_CONCAT(try_result_, __COUNTER__), expression)
#define POSTHASTE_TRY2_(declaration, expression)                                                                       \
    POSTHASTE_TRY_VALUE_(return, POSTHASTE_CONCAT(try_result_, __COUNTER__), declaration, expression)
#define POSTHASTE_CO_TRY1_(expression)                                                                                 \
    POSTHASTE_TRY_VOID_(co_return, POSTHASTE_CONCAT(try_result_, __COUNTER__), expression)
#define POSTHASTE_CO_TRY2_(declaration, expression)                                                                    \
    POSTHASTE_TRY_VALUE_(co_return, POSTHASTE_CONCAT(try_result_, __COUNTER__), declaration, expression)

#define TRY(...) POSTHASTE_PICK_(__VA_ARGS__, POSTHASTE_TRY2_, POSTHASTE_TRY1_, )(__VA_ARGS__)
#define CO_TRY(...) POSTHASTE_PICK_(__VA_ARGS__, POSTHASTE_CO_TRY2_, POSTHASTE_CO_TRY1_, )(__VA_ARGS__)
#define MUST(expression)                                                                                               \
    do {                                                                                                               \
        auto&& must_result_ = (expression);                                                                            \
        ::posthaste::detail::must_or_panic(must_result_, #expression, std::source_location::current());                \
    } while (false)

}  // namespace posthaste
