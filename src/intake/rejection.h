// Why a message did not get into the queue: a value with everything that an SMTP reply, a bounce or an exit status
// needs.
//
// `fault` separates the two cases that callers treat differently: Message is a verdict over the message itself (it
// is too big, it loops, a rule refuses it) and the same message will fare no better; System means that this machine
// could not do its part (disk, table), so that the sender keeps the message and tries again. Doubt is System.
#pragma once

#include "base/result.h"
#include "dsn/outcome.h"

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace posthaste::intake {

struct Rejection {
    enum class Fault : std::uint8_t { Message, System };

    Fault fault = Fault::System;
    int smtp_code = 451;
    dsn::Code code{4, 3, 0};
    std::string text = "queue file write error";
    bool says_error = true;  // replies have "Error: " before the text
    std::string detail;      // for the log: what went wrong inside; empty for verdicts

    Rejection() = default;
    Rejection(Fault whose, int smtp, dsn::Code enhanced, std::string words)
        : fault(whose), smtp_code(smtp), code(enhanced), text(std::move(words))
    {
    }
    // An error of ours is "451 4.3.0 queue file write error" for the peer (452 4.3.1 where space is short); its own
    // text goes to the log.
    Rejection(Error error);

    // "552 5.3.4 Error: message file too big"
    [[nodiscard]] std::string reply() const;
    // The same without the number in front.
    [[nodiscard]] std::string reply_text() const;

    static Rejection message_too_big();  // 552 5.3.4
    static Rejection too_many_hops();    // 554 5.4.0
    static Rejection no_recipients();    // 554 5.5.1
    static Rejection bad_address();      // 501 5.1.3, control characters in an envelope address
    static Rejection alias_expansion();  // 451 4.6.0
};

// TRY and CO_TRY of a Result<> work inside functions that return this: the error becomes a Rejection of ours.
template<class T = void>
using Accepted = std::expected<T, Rejection>;

}  // namespace posthaste::intake
