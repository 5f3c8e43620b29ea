// key_template.cc — see key_template.h.
#include "table/key_template.h"

#include "address/fold.h"
#include "base/text.h"
#include "table/text_source.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::table {

namespace {

struct Parts {
    std::string_view local;
    std::optional<std::string_view> domain;
};

// "user@domain" has both, anything else is a local part. The last '@' counts; a domain is not empty.
Parts parts_of(std::string_view text)
{
    const std::size_t at = text.rfind('@');
    if (at == std::string_view::npos || at + 1 == text.size())
        return {.local = text, .domain = std::nullopt};
    return {.local = text.substr(0, at), .domain = text.substr(at + 1)};
}

// %1 is the last label of the domain.
std::optional<std::string_view> label_of(std::string_view domain, int number)
{
    const auto labels = split(domain, ".");
    const auto count = static_cast<std::size_t>(number);
    if (count > labels.size())
        return std::nullopt;
    return labels[labels.size() - count];
}

std::optional<std::string_view> part(char what, std::string_view value, std::string_view key)
{
    if (is_ascii_digit(what)) {
        const Parts parts = parts_of(key);
        return parts.domain ? label_of(*parts.domain, what - '0') : std::nullopt;
    }
    const std::string_view text = what >= 'A' && what <= 'Z' ? key : value;
    if (ascii_lower(what) == 's')
        return text;
    const Parts parts = parts_of(text);
    if (ascii_lower(what) == 'd')
        return parts.domain;
    return parts.local.empty() ? std::nullopt : std::optional(parts.local);
}

}  // namespace

Result<KeyTemplate> KeyTemplate::parse(std::string_view text, std::string_view what, std::string_view file)
{
    constexpr std::string_view known = "sudSUD123456789";
    KeyTemplate result;
    Piece piece;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            piece.text += text[i];
            continue;
        }
        const char letter = ++i < text.size() ? text[i] : '\0';
        if (letter == '%') {
            piece.text += '%';
            continue;
        }
        if (letter == '\0' || known.find(letter) == std::string_view::npos)
            return fail(ErrorKind::Invalid,
                        fmt::format("db_common_parse: {}: Invalid {} template: {}", file, what, text));
        piece.what = letter;
        result.pieces_.push_back(std::exchange(piece, Piece()));
    }
    result.pieces_.push_back(std::move(piece));
    return result;
}

std::optional<std::string> KeyTemplate::expand(std::string_view value, std::string_view key, const Quote& quote) const
{
    std::string result;
    for (const Piece& piece : pieces_) {
        result += piece.text;
        if (piece.what == 0)
            continue;
        const auto replacement = part(piece.what, value, key);
        if (!replacement)
            return std::nullopt;
        result += quote ? quote(*replacement) : std::string(*replacement);
    }
    return result;
}

bool KeyTemplate::is_fixed() const
{
    return std::ranges::all_of(pieces_, [](const Piece& piece) { return piece.what == 0; });
}

Result<SearchDomains> SearchDomains::parse(std::string_view text, const OpenOptions& options)
{
    TRY(std::vector<std::string_view> words, split_outside_braces(text, list_separators));
    SearchDomains result;
    result.all_ = words.empty();
    for (std::string_view word : words) {
        if (word.find(':') != std::string_view::npos)
            result.tables_.add(open_or_unavailable(word, options));
        else if (word.starts_with('/'))
            result.tables_.add(open_or_unavailable(fmt::format("texthash:{}", word), options));
        else
            result.names_.push_back(address::fold_case(word));
    }
    return result;
}

Result<bool> SearchDomains::has(std::string_view key)
{
    if (all_)
        return true;
    const Parts parts = parts_of(key);
    if (parts.local.empty() || !parts.domain)
        return false;
    const std::string domain = address::fold_case(*parts.domain);
    if (std::ranges::find(names_, domain) != names_.end())
        return true;
    Lookup lookup = tables_.find(domain);
    if (!lookup.ready())
        return fail(ErrorKind::Unsupported, "a list of domains cannot have tables that ask a server");
    TRY(std::optional<std::string> value, lookup.take_ready());
    return value.has_value();
}

}  // namespace posthaste::table
