// destinations.h — the right-hand side of aliases(5) entries and the lines of .forward and :include: files.
//
// Values between commas (or, between addresses, white space): an address, /file/name, |command, :include:/file/name;
// each may stand in double quotes, and a command's text, too (|"cmd arg"). A pure function with a bound on tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::address {

enum class DestinationKind : std::uint8_t {
    Address,  // text in internal form
    File,     // text is an absolute path
    Command,  // text is what follows the '|'
    Include,  // text is the path behind ":include:"
    Invalid,  // text as it was written
};

struct Destination {
    DestinationKind kind = DestinationKind::Invalid;
    std::string text;
};

struct Destinations {
    std::vector<Destination> list;
    bool truncated = false;  // the token limit was reached: what follows is missing
};

Destinations parse_destinations(std::string_view text, std::size_t token_limit = 1000000);

}  // namespace posthaste::address
