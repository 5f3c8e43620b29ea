// required_literals.h — texts of which one must stand in whatever an expression matches.
//
// "/^(mail|smtp)[0-9]+\.example\.com$/" cannot match a text without ".example.com". A table with many expressions looks
// for such texts in one pass (pattern_filter.h) and tries only the expressions that are still possible.
//
// Careful rather than clever: a construct that is not understood completely (look-behind with names, verbs, \Q,
// comments, recursion, extended layout) gives no texts, and the expression is always tried. The texts are folded to
// lower case, and say nothing about subjects with bytes beyond ASCII, where other letters may equal ASCII's in another
// case.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::table {

enum class RegexSyntax : std::uint8_t {
    Pcre,           // pcre2pattern(3), without PCRE2_EXTENDED
    PosixExtended,  // regex(7), with the GNU C library's additions
};

// Empty: nothing is known to be required. Pure.
std::vector<std::string> required_literals(std::string_view expression, RegexSyntax syntax);

}  // namespace posthaste::table
