// posix_regex.h — POSIX expressions with back-references in the words of PCRE2.
//
// The C library searches without limits where an expression has back-references: a header line of a few hundred bytes
// can take it hours. PCRE2 takes the same expressions, with limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::table {

enum class NewlineIs : std::uint8_t { OrdinaryCharacter, EndOfLine };  // without and with REG_NEWLINE

// An extended expression (regex(7), with the GNU C library's \w \s \b \< and the like) for PCRE2, without UTF; no value
// where it has no back-reference, or something that has no counterpart. It matches the same texts; where several
// matches begin at the same place, PCRE2 takes the first, and POSIX the longest.
std::optional<std::string> pcre_of_back_references(std::string_view expression, NewlineIs newline);

}  // namespace posthaste::table
