// idna.cc — see idna.h.
#include "address/idna.h"

#include "address/fold.h"
#include "address/hostname.h"

#include <array>
#include <atomic>
#include <unicode/uidna.h>

namespace posthaste::address {

namespace {

std::atomic idna_mapping = IdnaMapping::Nontransitional;

// Null: the library has no data for it.
const UIDNA* converter()
{
    UErrorCode status = U_ZERO_ERROR;
    static const UIDNA* const nontransitional = uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_ASCII, &status);
    if (idna_mapping == IdnaMapping::Nontransitional)
        return nontransitional;
    static const UIDNA* const transitional = uidna_openUTS46(UIDNA_DEFAULT, &status);
    return transitional;
}

}  // namespace

void set_idna_mapping(IdnaMapping mapping) { idna_mapping = mapping; }

std::optional<std::string> domain_to_ascii(std::string_view domain)
{
    if (is_ascii(domain))
        return std::string(domain);
    // A letter of at most four bytes takes at least one byte of the ASCII form.
    constexpr std::size_t max_input = 4 * max_hostname;
    const UIDNA* const converter = address::converter();
    if (converter == nullptr || domain.size() > max_input || !is_valid_utf8(domain))
        return std::nullopt;
    std::array<char, max_hostname + 1> ascii{};
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UErrorCode status = U_ZERO_ERROR;
    const std::int32_t size =
        uidna_nameToASCII_UTF8(converter, domain.data(), static_cast<std::int32_t>(domain.size()), ascii.data(),
                               static_cast<std::int32_t>(ascii.size()), &info, &status);
    if (U_FAILURE(status) != 0 || info.errors != 0)
        return std::nullopt;
    return std::string(ascii.data(), static_cast<std::size_t>(size));
}

}  // namespace posthaste::address
