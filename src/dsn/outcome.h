// What became of one recipient: an outcome is a value, not an error.
//
// Code is an enhanced status code (RFC 3463). Outcome says delivered, deferred or bounced, with the text that goes
// into the log line and the delivery report, and what the remote side said, if there was one.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::dsn {

struct Code {
    std::uint8_t status_class = 0;  // 2 success, 4 temporary, 5 permanent; 0: none
    std::uint16_t subject = 0;
    std::uint16_t detail = 0;

    [[nodiscard]] std::string text() const;  // "5.1.1"
    [[nodiscard]] Code with_class(std::uint8_t new_class) const { return {new_class, subject, detail}; }
    friend bool operator==(const Code&, const Code&) = default;
};

// "5.1.1" and nothing else, no value otherwise; parts of at most three digits (RFC 3463 2).
std::optional<Code> parse_code(std::string_view text);
// An enhanced code at the start of a text ("4.7.1 Try later"), and what follows it; the default where there is none.
struct CodedText {
    Code code;
    std::string text;
};
CodedText split_code(std::string_view text, Code default_code);

enum class Action : std::uint8_t { Delivered, Deferred, Bounced, Relayed, Expanded };

struct Outcome {
    Action action = Action::Deferred;
    Code code{4, 0, 0};
    std::string text;  // in the log's parentheses and in the report: "delivered to mailbox", "host ... said: ..."
    std::string relay = "none";   // log: "local", "virtual", "none", "host[address]:port"
    std::string remote_mta;       // host name for Remote-MTA:, empty if none
    std::string diagnostic_type;  // "smtp", "x-unix", or empty: the text stands alone
    std::string diagnostic;       // what the remote side said, "550 5.1.1 no such user"

    static Outcome delivered(Code code, std::string text, std::string relay = "none");
    static Outcome deferred(Code code, std::string text, std::string relay = "none");
    static Outcome bounced(Code code, std::string text, std::string relay = "none");
    [[nodiscard]] bool is_final() const { return action != Action::Deferred; }
};

}  // namespace posthaste::dsn
