// local_part.cc — see local_part.h.
#include "address/local_part.h"

#include "base/text.h"

#include <algorithm>

namespace posthaste::address {

namespace {

// atext (RFC 5322 3.2.3) with UTF8-non-ascii (RFC 6532 3.2).
constexpr bool is_atext(char c)
{
    return is_ascii_alnum(c) || (static_cast<unsigned char>(c) & 0x80U) != 0 ||
           std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

// The '@' between local part and domain of an external address: the last one outside quotes.
std::size_t find_domain_at(std::string_view address)
{
    bool quoted = false;
    std::size_t at = std::string_view::npos;
    for (std::size_t i = 0; i < address.size(); ++i) {
        char c = address[i];
        if (c == '\\')
            ++i;
        else if (c == '"')
            quoted = !quoted;
        else if (c == '@' && !quoted)
            at = i;
    }
    return at;
}

}  // namespace

Split split_at_domain(std::string_view address)
{
    std::size_t at = address.rfind('@');
    if (at == std::string_view::npos)
        return {.local_part = address, .domain = {}, .has_domain = false};
    return {.local_part = address.substr(0, at), .domain = address.substr(at + 1), .has_domain = true};
}

bool is_dot_string(std::string_view local_part)
{
    if (local_part.empty() || local_part.front() == '.' || local_part.back() == '.')
        return false;
    char before = 'a';
    return std::ranges::all_of(local_part, [&before](char c) {
        bool fits = is_atext(c) || (c == '.' && before != '.');
        before = c;
        return fits;
    });
}

std::string quote_local_part(std::string_view local_part)
{
    if (is_dot_string(local_part))
        return std::string(local_part);
    std::string quoted = "\"";
    for (char c : local_part) {
        if (c == '"' || c == '\\' || c == '\r' || c == '\n')
            quoted += '\\';
        quoted += c;
    }
    return quoted += '"';
}

std::string quote(std::string_view address)
{
    if (address.empty())
        return {};
    Split parts = split_at_domain(address);
    std::string external = quote_local_part(parts.local_part);
    if (parts.has_domain)
        external.append(1, '@').append(parts.domain);
    return external;
}

std::string unquote(std::string_view address)
{
    std::size_t at = find_domain_at(address);
    std::string_view local = address.substr(0, at);
    std::string internal;
    internal.reserve(address.size());
    for (std::size_t i = 0; i < local.size(); ++i) {
        if (local[i] == '"')
            continue;
        if (local[i] == '\\' && i + 1 < local.size())
            ++i;
        internal += local[i];
    }
    if (at != std::string_view::npos)
        internal += address.substr(at);
    return internal;
}

std::pair<std::string_view, std::string_view>
split_extension(std::string_view local_part, std::string_view recipient_delimiter, OwnerAndRequest names)
{
    std::pair<std::string_view, std::string_view> whole{local_part, {}};
    if (recipient_delimiter.empty() || equal_ignoring_case(local_part, "mailer-daemon") ||
        equal_ignoring_case(local_part, "double-bounce"))
        return whole;
    if (names == OwnerAndRequest::Special && recipient_delimiter.find('-') != std::string_view::npos) {
        constexpr std::string_view request = "-request";
        if (starts_with_ignoring_case(local_part, "owner-"))
            return whole;
        if (local_part.size() > request.size() &&
            equal_ignoring_case(local_part.substr(local_part.size() - request.size()), request))
            return whole;
    }
    // A delimiter at the very beginning separates nothing.
    std::size_t position =
        local_part.empty() ? std::string_view::npos : local_part.find_first_of(recipient_delimiter, 1);
    if (position == std::string_view::npos || recipient_delimiter.find(local_part.front()) != std::string_view::npos)
        return whole;
    return {local_part.substr(0, position), local_part.substr(position)};
}

}  // namespace posthaste::address
