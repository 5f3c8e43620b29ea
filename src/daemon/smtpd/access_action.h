// The right-hand side of an access(5) table, as a value.
//
// Pure function from text to action. Texts of rejections may begin with an enhanced status code; what is no known
// action is taken for a list of restrictions, as the manual says.
#pragma once

#include "smtp/reply.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::smtpd {

struct AccessAction {
    enum class Kind : std::uint8_t {
        Permit,  // OK, RELAY, digits
        Dunno,
        Reply,  // 4NN, 5NN, REJECT, DEFER
        DeferIfPermit,
        DeferIfReject,
        Info,  // text for the log
        Warn,
        Discard,  // text for the log, may be empty
        Hold,
        Filter,    // transport:destination
        Redirect,  // address
        Bcc,       // address
        Prepend,   // header line
        Restrictions,
    };
    Kind kind = Kind::Dunno;
    int code = 0;          // of rejections and deferrals
    std::string enhanced;  // the same
    std::string text;      // the rest of the line
};

struct AccessCodes {
    int reject = 554;  // postconf(5) access_map_reject_code
    int defer = 450;   // postconf(5) access_map_defer_code
};

// Why the action has no effect: its argument is missing or no address, destination or header. Empty: it is well.
std::string_view problem_of(const AccessAction& action);

AccessAction parse_access_action(std::string_view text, AccessCodes codes);

}  // namespace posthaste::smtpd
