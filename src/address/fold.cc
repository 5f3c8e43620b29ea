// fold.cc — see fold.h.
#include "address/fold.h"

#include "base/text.h"

#include <limits>
#include <unicode/ucasemap.h>
#include <unicode/utf8.h>

namespace posthaste::address {

bool is_ascii(std::string_view text)
{
    unsigned char bits = 0;
    for (char c : text)  // to the end, so that the compiler takes many bytes at a time
        bits |= static_cast<unsigned char>(c);
    return bits < 0x80U;
}

bool needs_folding(std::string_view text)
{
    bool needs = false;
    for (char c : text)
        needs |= (c >= 'A' && c <= 'Z') || (static_cast<unsigned char>(c) & 0x80U) != 0;
    return needs;
}

bool is_valid_utf8(std::string_view text)
{
    if (is_ascii(text))
        return true;
    if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
        return false;
    const auto size = static_cast<std::int32_t>(text.size());
    for (std::int32_t position = 0; position < size;) {
        UChar32 code = 0;
        U8_NEXT(text.data(), position, size, code);
        if (code < 0)
            return false;
    }
    return true;
}

std::string fold_case(std::string_view text)
{
    if (is_ascii(text) || !is_valid_utf8(text))
        return to_lower(text);
    UErrorCode status = U_ZERO_ERROR;
    static UCaseMap* const map = ucasemap_open("", U_FOLD_CASE_DEFAULT, &status);
    if (map == nullptr)
        return to_lower(text);
    // Folding can lengthen a text; three times is the bound that Unicode gives (Standard, 5.18).
    std::string folded(text.size() * 3, '\0');
    status = U_ZERO_ERROR;
    std::int32_t size = ucasemap_utf8FoldCase(map, folded.data(), static_cast<std::int32_t>(folded.size()), text.data(),
                                              static_cast<std::int32_t>(text.size()), &status);
    if (U_FAILURE(status) != 0)
        return to_lower(text);
    folded.resize(static_cast<std::size_t>(size));
    return folded;
}

}  // namespace posthaste::address
