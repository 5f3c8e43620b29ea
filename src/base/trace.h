// trace.h — how somebody can watch decisions being made: which parameter, which table, which row.
//
// The code that decides in production says at a few places what it is about to apply (a Step), and tables and lists say
// what they answered. `postconf explain` sets the observer and prints what it hears; nobody else does. Without an
// observer a Step costs one load and one branch, and no text is made: callers test the Step before they format.
//
// Limits: one observer a process, which follows one question at a time on the thread that decides.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace posthaste::trace {

// Texts are valid during the call only. Steps are nested: begin and end come in pairs.
class Observer {
public:
    Observer() = default;
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    virtual ~Observer() = default;
    // `what` (a parameter, a restriction) is applied to `subject` (an address, a domain, a client).
    virtual void begin(std::string_view what, std::string_view subject) = 0;
    // What came of the step that began last and has not ended.
    virtual void result(std::string_view text) = 0;
    virtual void end() = 0;
    // A table was asked for one key.
    virtual void asked(std::string_view table, std::string_view key,
                       const Result<std::optional<std::string>>& answer) = 0;
    // This element of a list decided: "example.com", "!192.0.2.1", "10.0.0.0/8".
    virtual void matched(std::string_view element) = 0;
    // The list cannot tell, and why.
    virtual void failed(std::string_view reason) = 0;
};

inline Observer* observer = nullptr;  // null: nobody watches

// One application of a parameter, as long as it takes.
class Step {
public:
    Step(std::string_view what, std::string_view subject) : watched_(observer != nullptr)
    {
        if (watched_)
            observer->begin(what, subject);
    }
    ~Step()
    {
        if (watched_)
            observer->end();
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

    explicit operator bool() const { return watched_; }
    void result(std::string_view text) const
    {
        if (watched_)
            observer->result(text);
    }

private:
    bool watched_;
};

}  // namespace posthaste::trace
