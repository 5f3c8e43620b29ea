// How postconf lays out a value: single spaces, folded at 80 columns (-f), or as an object of a JSON lines file (-j).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace posthaste::command::postconf {

enum class Fold : std::uint8_t { No, Yes };

// "name = value" or, without a name, "value"; runs of white space become one space. No line end.
std::string laid_out(std::string_view name, std::string_view value, Fold fold);

// {"name": "value", ...} in this order. Bytes that are no UTF-8 are replaced. No line end.
std::string json_object(std::initializer_list<std::pair<std::string_view, std::string_view>> members);

}  // namespace posthaste::command::postconf
