// idna.h — domain names that are not ASCII, as the DNS knows them (UTS 46, nontransitional, as Postfix since 3.2,
// unless the old way is chosen).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::address {

// A name that is ASCII already is returned as it is. Nothing: not UTF-8, or no name of the DNS after the conversion.
std::optional<std::string> domain_to_ascii(std::string_view domain);

// postconf(5) enable_idna2003_compatibility: Transitional has "ss" for a sharp s and leaves joiners out.
enum class IdnaMapping : std::uint8_t { Nontransitional, Transitional };
// For the whole process, before names are converted. Nontransitional until it is set.
void set_idna_mapping(IdnaMapping mapping);

}  // namespace posthaste::address
