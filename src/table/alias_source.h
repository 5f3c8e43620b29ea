// alias_source.h — the source format of postalias(1), aliases(5): `name: value, value`.
//
// The name is a local part, in quotes where it has special characters. The value is kept as it is written, except
// that white space between its parts becomes one space and comes after commas only.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace posthaste::table {

struct Alias {
    std::string name;  // without its quotes
    std::string value;
};

// One logical line. Invalid, with the reason in postalias(1)'s words.
Result<Alias> parse_alias(std::string_view line);

}  // namespace posthaste::table
