// path.cc — see path.h.
#include "smtp/path.h"

#include "address/idna.h"
#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <optional>

namespace posthaste::smtp {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view skip_blanks(std::string_view text)
{
    text.remove_prefix(static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_blank) - text.begin()));
    return text;
}

// The position behind a path that begins at text[0]: behind its '>', or at the first blank outside quotes.
std::optional<std::size_t> end_of_path(std::string_view text)
{
    bool bracketed = text.starts_with('<');
    bool quoted = false;
    for (std::size_t i = bracketed ? 1 : 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '\\') {
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && bracketed && c == '>') {
            return i + 1;
        } else if (!quoted && !bracketed && is_blank(c)) {
            return i;
        }
    }
    if (bracketed || quoted)
        return std::nullopt;
    return text.size();
}

bool splits_labels(std::string_view text)
{
    if (text.empty() || text.size() > 255)
        return false;
    while (true) {
        std::size_t dot = text.find('.');
        std::string_view label = text.substr(0, dot);
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
            return false;
        if (!std::ranges::all_of(label, [](char c) { return is_ascii_alnum(c) || c == '-' || c == '_'; }))
            return false;
        if (dot == std::string_view::npos)
            return true;
        text.remove_prefix(dot + 1);
    }
}

// Characters that RFC 5322 keeps for itself, outside of quotes.
constexpr std::string_view specials = "<>()[],;";

// A local part in external form to its internal form; nothing if it is none. A comment is dropped unless strict.
std::optional<std::string> unquote_local_part(std::string_view text, PathSyntax syntax)
{
    std::string out;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        auto byte = static_cast<unsigned char>(c);
        if (c == '\\') {
            if (++i == text.size() || static_cast<unsigned char>(text[i]) < ' ' || text[i] == 0x7f)
                return std::nullopt;
            out.push_back(text[i]);
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == '(' && syntax == PathSyntax::Lenient &&
                   text.find(')', i) != std::string_view::npos) {
            i = text.find(')', i);
        } else if (!quoted && (byte <= ' ' || byte == 0x7f || specials.contains(c))) {
            return std::nullopt;
        } else if (quoted && byte < ' ' && c != '\t') {
            return std::nullopt;
        } else {
            out.push_back(c);
        }
    }
    return out;
}

// Where the domain begins: behind the last '@' outside quotes.
std::optional<std::size_t> last_at(std::string_view text)
{
    std::optional<std::size_t> at;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\')
            ++i;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (text[i] == '@' && !quoted)
            at = i;
    }
    return at;
}

std::optional<std::string> parse_mailbox(std::string_view text, PathSyntax syntax)
{
    if (text.starts_with('@')) {  // source route "@a,@b:user@c"
        std::size_t colon = text.find(':');
        if (colon != std::string_view::npos)
            text.remove_prefix(colon + 1);
        else if (syntax == PathSyntax::Strict)
            return std::nullopt;
    }
    std::optional<std::size_t> at = last_at(text);
    std::optional<std::string> mailbox = unquote_local_part(text.substr(0, at.value_or(text.size())), syntax);
    if (!mailbox)
        return std::nullopt;
    if (!at)
        return mailbox;
    std::string_view domain = text.substr(*at + 1);
    if (!is_mailbox_domain(domain))
        return std::nullopt;
    mailbox->push_back('@');
    mailbox->append(domain);
    return mailbox;
}

}  // namespace

bool is_address_literal(std::string_view text)
{
    if (text.size() < 3 || !text.starts_with('[') || !text.ends_with(']'))
        return false;
    std::string inner(text.substr(1, text.size() - 2));
    unsigned char bytes[16];
    if (starts_with_ignoring_case(inner, "IPv6:"))
        return inet_pton(AF_INET6, inner.c_str() + 5, bytes) == 1;
    return inet_pton(AF_INET, inner.c_str(), bytes) == 1;
}

bool is_host_name(std::string_view text) { return splits_labels(text); }

bool is_mailbox_domain(std::string_view text)
{
    if (text.starts_with('['))
        return is_address_literal(text);
    if (text.ends_with('.'))
        text.remove_suffix(1);
    bool numeric = std::ranges::all_of(text, [](char c) { return is_ascii_digit(c) || c == '.'; });
    std::optional<std::string> ascii = address::domain_to_ascii(text);
    return !numeric && ascii && splits_labels(*ascii);
}

std::expected<PathArgument, PathFault> parse_path_argument(std::string_view text, std::string_view keyword,
                                                           PathSyntax syntax)
{
    if (!starts_with_ignoring_case(text, keyword))
        return std::unexpected(PathFault::Usage);
    text = skip_blanks(text.substr(keyword.size()));
    if (text.empty())
        return std::unexpected(PathFault::Usage);
    std::optional<std::size_t> end = end_of_path(text);
    if (!end)
        return std::unexpected(PathFault::Address);
    PathArgument argument;
    argument.path = text.substr(0, *end);
    argument.parameters = split(text.substr(*end), " \t");
    std::string_view inner = argument.path;
    if (!argument.parameters.empty() && argument.parameters.front().data() == text.data() + *end)
        return std::unexpected(PathFault::Address);  // "<a@b>c": no white space behind the path
    if (inner.starts_with('<'))
        inner = trim(inner.substr(1, inner.size() - 2));
    else if (syntax == PathSyntax::Strict)
        return std::unexpected(PathFault::Address);
    else if (inner.ends_with('>'))
        inner.remove_suffix(1);
    if (inner.empty()) {
        if (argument.path == "<>")
            return argument;
        return std::unexpected(PathFault::Address);
    }
    std::optional<std::string> mailbox = parse_mailbox(inner, syntax);
    if (!mailbox)
        return std::unexpected(PathFault::Address);
    argument.address = std::move(*mailbox);
    return argument;
}

}  // namespace posthaste::smtp
