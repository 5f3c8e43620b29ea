// What smtp-sink knows as commands, and how each may be mistreated.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

namespace posthaste::command::smtp_sink {

// Connect stands for a new connection, Dot for the end of data.
enum class Verb : unsigned char {
    Connect,
    Helo,
    Ehlo,
    Lhlo,
    Mail,
    Rcpt,
    Vrfy,
    Data,
    Dot,
    Rset,
    Noop,
    Quit,
    Auth,
    Xclient,
    Xforward,
};
inline constexpr std::size_t verb_count = 15;

// In any case of letters; none if there is no such command.
std::optional<Verb> find_verb(std::string_view name);

// How a command is answered, from -f -q -Q -r -s -w -W. What stands first wins.
struct Treatment {
    bool disconnect = false;             // -q: hang up without a reply
    bool disconnect_with_reply = false;  // -Q: 421, and hang up
    bool hard_error = false;             // -f: 5xx
    bool soft_error = false;             // -r: 4xx
    bool log = false;                    // -s
    std::chrono::milliseconds delay{0};  // -w -W
    int odds = 0;                        // -W: percent of the times that the delay is drawn again; 0: it is fixed
};
using Treatments = std::array<Treatment, verb_count>;

// The delay of this time: a multiple of it, as often as a roll of 0..99 stays below odds, if there are odds.
std::chrono::milliseconds roll_delay(const Treatment& treatment);

}  // namespace posthaste::command::smtp_sink
