// $name expressions (postconf(5)): $name ${name} $(name), ${name?text} ${name:text} ${name?{text}:{text}},
// ${{a} == {b} ? {text} : {text}}, ${domain_to_ascii{text}} for the form of a domain in ASCII, and $$ for a dollar
// sign.
//
// Comparison operators are == != < <= > >=; operands of digits are compared as numbers, others as text;
// without a branch a comparison that holds is the text "true".
// With the word level behind the operator (<level) they are versions: 2 < 3.6 < 3.11. A name that nobody defines is
// empty. Only the branch that is chosen is expanded. A value that refers to itself is an error, not a loop.
#pragma once

#include "base/result.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::config {

enum class Further : std::uint8_t {
    Expand,  // the value of a parameter: its own $names are expanded, too
    Keep,    // foreign text, such as a recipient address: never looked into
};

struct NameValue {
    std::string text;
    Further further = Further::Expand;
};

// The value of a name; nothing for a name that is not defined.
using NameLookup = std::function<Result<std::optional<NameValue>>(std::string_view name)>;

// Invalid: the text breaks the grammar, or a name refers to itself; the error shows the place. Limit: the result would
// be longer than 1 MB, or take more than 100,000 lookups.
Result<std::string> expand(std::string_view text, const NameLookup& lookup);

// Calls `use` with every name that the text refers to, directly and in every branch. Malformed text is passed over.
void for_each_name(std::string_view text, const std::function<void(std::string_view name)>& use);

// Compatibility levels and other versions: "3.6" < "3.11" < "4". Invalid: not numbers between dots.
Result<int> compare_levels(std::string_view a, std::string_view b);

}  // namespace posthaste::config
