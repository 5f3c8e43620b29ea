// base64.h — RFC 4648 4, for `postmap -F`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthaste::table {

std::string encode_base64(std::string_view bytes);
// Nothing if the text is not base64 with its padding; no white space is allowed.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace posthaste::table
