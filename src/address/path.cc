// path.cc — see path.h.
#include "address/path.h"

#include "address/hostname.h"
#include "address/local_part.h"
#include "address/tokens.h"
#include "base/text.h"

namespace posthaste::address {

namespace {

constexpr std::size_t max_tokens = 1024;  // a path of max_path_size has at most twice that many, none honest

// The end of the path in `text`, which starts with the path: behind the '>' that closes the first '<', or at the
// first white space when there are no brackets. Quotes, comments and literals hide what is in them.
std::size_t path_end(std::string_view text, bool brackets)
{
    int depth = 0;
    int comment = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '\\') {
            ++i;
        } else if (quoted) {
            quoted = c != '"';
        } else if (c == '(') {
            ++comment;
        } else if (comment > 0) {
            comment -= c == ')' ? 1 : 0;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '<') {
            ++depth;
        } else if (c == '>') {
            if (--depth <= 0)
                return brackets ? i + 1 : std::string_view::npos;
        } else if (!brackets && is_ascii_space(c)) {
            return i;
        }
    }
    return brackets || quoted || comment > 0 ? std::string_view::npos : text.size();
}

// "Display Name <user@domain>" inside the path's own brackets: the inner range counts.
void take_inner_brackets(const Token*& begin, const Token*& end)
{
    const Token* open = begin;
    while (open != end && !open->is('<'))
        ++open;
    if (open == end)
        return;
    const Token* close = open;
    while (close != end && !close->is('>'))
        ++close;
    begin = open + 1;
    end = close;
}

Result<void> check_strict(const Tokens& tokens, const ParsedPath& path)
{
    int ats = 0;
    const Token* first = skip_route(tokens.list.data(), tokens.list.data() + tokens.list.size());
    for (const Token* token = tokens.list.data(); token != tokens.list.data() + tokens.list.size(); ++token) {
        if (token->kind == TokenKind::Comment || token->after_space)
            return fail(ErrorKind::Invalid, "comment or white space in path");
        ats += token >= first && token->is('@') ? 1 : 0;
    }
    if (tokens.trailing_space || ats > 1)
        return fail(ErrorKind::Invalid, "more than one address in path");
    Split parts = split_at_domain(path.address);
    const bool quoted = first->kind == TokenKind::Quoted;
    if (!quoted && !is_dot_string(parts.local_part))
        return fail(ErrorKind::Invalid, "local part is neither a dot-string nor a quoted string");
    if (path.has_domain && !is_valid_hostname(parts.domain) && !is_valid_address_literal(parts.domain))
        return fail(ErrorKind::Invalid, "bad domain in path");
    return {};
}

}  // namespace

Result<ParsedPath> parse_path(std::string_view text, PathSyntax syntax)
{
    if (syntax == PathSyntax::Lenient)
        while (!text.empty() && is_ascii_space(text.front()))
            text.remove_prefix(1);
    ParsedPath path;
    path.in_brackets = text.starts_with('<');
    if (!path.in_brackets && (syntax == PathSyntax::Strict || text.empty()))
        return fail(ErrorKind::Invalid, "path is not in angle brackets");
    std::size_t end = path_end(text, path.in_brackets);
    if (end == std::string_view::npos)
        return fail(ErrorKind::Invalid, "path does not end");
    if (end > max_path_size)
        return fail(ErrorKind::Limit, "path is too long");
    std::string_view content = text.substr(0, end);
    path.rest = text.substr(end);
    if (!path.rest.empty() && !is_ascii_space(path.rest.front()))
        return fail(ErrorKind::Invalid, "text directly behind the path");
    path.rest = trim(path.rest);
    if (path.in_brackets)
        content = content.substr(1, content.size() - 2);
    if (content.empty() || (syntax == PathSyntax::Lenient && trim(content).empty()))
        return path;

    Tokens tokens = tokenize(content, max_tokens);
    if (tokens.truncated || tokens.list.empty())
        return fail(ErrorKind::Invalid, "path has too many parts");
    const Token* first = tokens.list.data();
    const Token* last = first + tokens.list.size();
    if (syntax == PathSyntax::Lenient)
        take_inner_brackets(first, last);
    AddrSpec spec = addr_spec(first, last);
    if (!spec.valid)
        return fail(ErrorKind::Invalid, "bad address syntax");
    path.address = std::move(spec.address);
    path.has_domain = spec.has_domain;
    if (syntax == PathSyntax::Strict)
        TRY(check_strict(tokens, path));
    return path;
}

}  // namespace posthaste::address
