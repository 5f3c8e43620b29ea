// The right-hand side of a header_checks(5) table, as a value. Pure function from text to action.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::inspect {

struct CheckAction {
    enum class Kind : std::uint8_t {
        Dunno,  // and OK
        Bcc,    // address
        Discard,
        Filter,  // transport:destination
        Hold,
        Ignore,
        Info,
        Pass,
        Prepend,   // line
        Redirect,  // address
        Reject,    // an enhanced status code may stand before the text
        Replace,   // line
        Strip,
        Warn,
        Unknown,  // argument: the whole text
    };
    Kind kind = Kind::Dunno;
    std::string argument;  // text for the log where the kind does not say otherwise; may be empty
};

CheckAction parse_check_action(std::string_view text);

}  // namespace posthaste::inspect
