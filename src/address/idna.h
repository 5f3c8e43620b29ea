// idna.h — domain names that are not ASCII, as the DNS knows them (UTS 46, nontransitional, as Postfix since 3.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthaste::address {

// A name that is ASCII already is returned as it is. Nothing: not UTF-8, or no name of the DNS after the conversion.
std::optional<std::string> domain_to_ascii(std::string_view domain);

}  // namespace posthaste::address
