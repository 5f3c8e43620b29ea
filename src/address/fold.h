// fold.h — case folding for lookups: ASCII quickly, other text by Unicode's rules (UTF-8 in, UTF-8 out). Text that
// is not UTF-8 has only its ASCII letters folded.
#pragma once

#include <string>
#include <string_view>

namespace posthaste::address {

// False if fold_case would return the text as it is.
bool needs_folding(std::string_view text);
std::string fold_case(std::string_view text);
bool is_ascii(std::string_view text);
bool is_valid_utf8(std::string_view text);

}  // namespace posthaste::address
