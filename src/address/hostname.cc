// hostname.cc — see hostname.h.
#include "address/hostname.h"

#include "address/fold.h"
#include "address/network.h"
#include "base/text.h"

namespace posthaste::address {

namespace {

bool is_valid_label(std::string_view label)
{
    if (label.empty() || label.size() > max_label || label.front() == '-' || label.back() == '-')
        return false;
    for (char c : label)
        if (!is_ascii_alnum(c) && c != '-' && c != '_' && (static_cast<unsigned char>(c) & 0x80U) == 0)
            return false;
    return true;
}

}  // namespace

bool is_valid_hostname(std::string_view name)
{
    if (name.ends_with('.'))
        name.remove_suffix(1);
    if (name.empty() || name.size() > max_hostname || (!is_ascii(name) && !is_valid_utf8(name)))
        return false;
    if (name.find_first_not_of("0123456789.") == std::string_view::npos)
        return false;
    for (;;) {
        std::size_t dot = name.find('.');
        if (!is_valid_label(name.substr(0, dot)))
            return false;
        if (dot == std::string_view::npos)
            return true;
        name.remove_prefix(dot + 1);
    }
}

std::string_view address_of_literal(std::string_view text)
{
    if (text.size() < 3 || text.front() != '[' || text.back() != ']')
        return {};
    text = text.substr(1, text.size() - 2);
    constexpr std::string_view tag = "IPv6:";
    const bool tagged = starts_with_ignoring_case(text, tag);
    if (tagged)
        text.remove_prefix(tag.size());
    auto parsed = IpAddress::parse(text);
    if (!parsed || (parsed->family() == Family::Ipv6) != tagged)
        return {};
    return text;
}

bool is_valid_address_literal(std::string_view text) { return !address_of_literal(text).empty(); }

}  // namespace posthaste::address
