// How postconf lays out a value: single spaces, or folded at 80 columns (-f).
#pragma once

#include <string>
#include <string_view>

namespace posthaste::command::postconf {

enum class Fold : std::uint8_t { No, Yes };

// "name = value" or, without a name, "value"; runs of white space become one space. No line end.
std::string laid_out(std::string_view name, std::string_view value, Fold fold);

}  // namespace posthaste::command::postconf
