// destinations.cc — see destinations.h.
#include "address/destinations.h"

#include "address/tokens.h"
#include "base/text.h"

#include <algorithm>

namespace posthaste::address {

namespace {

constexpr std::string_view include_word = ":include:";

// The text of a quoted string without its quotes and backslashes.
std::string unquoted(std::string_view text)
{
    std::string result;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] == '\\' && i + 2 < text.size())
            ++i;
        result += text[i];
    }
    return result;
}

// "text" or text: what is meant.
std::string plain(std::string_view text)
{
    text = trim(text);
    return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? unquoted(text) : std::string(text);
}

// What is no address begins with one of these.
Destination special_or_invalid(std::string_view text)
{
    if (text.starts_with('|'))
        return {.kind = DestinationKind::Command, .text = plain(text.substr(1))};
    if (starts_with_ignoring_case(text, include_word))
        return {.kind = DestinationKind::Include, .text = plain(text.substr(include_word.size()))};
    if (text.starts_with('/'))
        return {.kind = DestinationKind::File, .text = std::string(text)};
    return {};
}

// The addr-spec between angle brackets, or the whole range.
AddrSpec address_in(const Token* first, const Token* last)
{
    for (const Token* open = first; open != last; ++open)
        if (open->is('<')) {
            const Token* close = open;
            while (close != last && !close->is('>'))
                ++close;
            return close == last ? AddrSpec() : addr_spec(open + 1, close);
        }
    return addr_spec(first, last);
}

bool has_domain(const Token* first, const Token* last)
{
    for (; first != last; ++first)
        if (first->is('@'))
            return true;
    return false;
}

Destination destination(std::string_view text, const Token* first, const Token* last)
{
    const bool one_quoted = last - first == 1 && first->kind == TokenKind::Quoted && first->complete;
    const std::string meant = one_quoted ? unquoted(text) : std::string();
    // A name with a domain is an address even if it begins like a path: /user/@example.com.
    Destination invalid{.kind = DestinationKind::Invalid, .text = std::string(text)};
    if (!text.starts_with('/') || !has_domain(first, last)) {
        Destination special = special_or_invalid(one_quoted ? std::string_view(meant) : text);
        if (special.kind != DestinationKind::Invalid)
            return special.text.empty() ? invalid : special;
    }
    AddrSpec spec = address_in(first, last);
    if (!spec.valid)
        return invalid;
    return {.kind = DestinationKind::Address, .text = std::move(spec.address)};
}

// A command, a file, :include: and a name with <address> go on to the next comma.
bool reaches_to_the_comma(const Token* first, const Token* last)
{
    return first->text.starts_with('|') || first->text.starts_with('/') || first->is(':') ||
           std::any_of(first, last, [](const Token& token) { return token.is('<'); });
}

}  // namespace

Destinations parse_destinations(std::string_view text, std::size_t token_limit)
{
    const Tokens tokens = tokenize(text, token_limit);
    Destinations result{.list = {}, .truncated = tokens.truncated};
    const Token* position = tokens.list.data();
    const Token* const end = position + tokens.list.size();
    while (position != end) {
        const Token* first = position;
        while (position != end && !position->is(','))
            ++position;
        while (first != position) {
            const Token* next = reaches_to_the_comma(first, position) ? position : end_of_address(first, position);
            const Token& last = *(next - 1);
            const char* begin = first->text.data();
            const auto size = static_cast<std::size_t>(last.text.data() + last.text.size() - begin);
            result.list.push_back(destination({begin, size}, first, next));
            first = next;
        }
        if (position != end)
            ++position;
    }
    return result;
}

}  // namespace posthaste::address
