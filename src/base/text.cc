// text.cc — see text.h.
#include "base/text.h"

namespace posthaste {

std::string to_lower(std::string_view text)
{
    std::string result(text);
    for (char& c : result)
        c = ascii_lower(c);
    return result;
}

std::string to_upper(std::string_view text)
{
    std::string result(text);
    for (char& c : result)
        c = ascii_upper(c);
    return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return a.size() == b.size() && starts_with_ignoring_case(a, b);
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix)
{
    if (text.size() < prefix.size())
        return false;
    for (std::size_t i = 0; i < prefix.size(); ++i)
        if (ascii_lower(text[i]) != ascii_lower(prefix[i]))
            return false;
    return true;
}

std::string_view trim(std::string_view text)
{
    while (!text.empty() && is_ascii_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_ascii_space(text.back()))
        text.remove_suffix(1);
    return text;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators)
{
    std::vector<std::string_view> pieces;
    std::size_t position = 0;
    while ((position = text.find_first_not_of(separators, position)) != std::string_view::npos) {
        std::size_t end = text.find_first_of(separators, position);
        pieces.push_back(text.substr(position, end == std::string_view::npos ? end : end - position));
        if (end == std::string_view::npos)
            break;
        position = end;
    }
    return pieces;
}

namespace {

// Length of the well-formed UTF-8 sequence at the start of text (RFC 3629 4), or 0.
std::size_t utf8_sequence(std::string_view text)
{
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    auto tail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
    unsigned char lead = byte(0);
    if (lead >= 0xc2 && lead <= 0xdf)
        return tail(1) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (!tail(1) || !tail(2) || (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f))
            return 0;
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (!tail(1) || !tail(2) || !tail(3) || (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f))
            return 0;
        return 4;
    }
    return 0;
}

}  // namespace

std::string printable(std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        auto c = static_cast<unsigned char>(text.front());
        std::size_t length = c < 0x80 ? 1 : utf8_sequence(text);
        if (length == 0 || c < 0x20 || c == 0x7f) {
            result += '?';
            length = 1;
        } else {
            result.append(text.substr(0, length));
        }
        text.remove_prefix(length);
    }
    return result;
}

}  // namespace posthaste
