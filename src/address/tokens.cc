// tokens.cc — see tokens.h.
#include "address/tokens.h"

#include "base/text.h"

namespace posthaste::address {

namespace {

constexpr std::string_view specials = "<>@,;:.)]";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool ends_atom(char c)
{
    return is_ascii_space(c) || is_control(c) || c == '"' || c == '(' || c == '[' ||
           specials.find(c) != std::string_view::npos;
}

// The end of what starts at text[0] with `open` and ends with `close`; backslash quotes the next byte.
std::size_t delimited_end(std::string_view text, char open, char close, bool& complete)
{
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size())
            ++i;
        else if (text[i] == close && (open != close || i > 0) && (open == close || --depth == 0))
            return i + 1;
        else if (text[i] == open && open == '(')
            ++depth;
        else if (i == 0)
            depth = 1;
    }
    complete = false;
    return text.size();
}

std::size_t atom_end(std::string_view text)
{
    std::size_t i = 0;
    while (i < text.size() && !ends_atom(text[i]))
        i += text[i] == '\\' && i + 1 < text.size() ? 2 : 1;
    return i;
}

Token next_token(std::string_view text)
{
    Token token;
    std::size_t size = 1;
    switch (text.front()) {
    case '"':
        token.kind = TokenKind::Quoted;
        size = delimited_end(text, '"', '"', token.complete);
        break;
    case '(':
        token.kind = TokenKind::Comment;
        size = delimited_end(text, '(', ')', token.complete);
        break;
    case '[':
        token.kind = TokenKind::Literal;
        size = delimited_end(text, '[', ']', token.complete);
        break;
    default:
        if (specials.find(text.front()) != std::string_view::npos)
            token.kind = TokenKind::Special;
        else if (is_control(text.front()))
            token.kind = TokenKind::Invalid;
        else
            size = atom_end(text);
    }
    token.text = text.substr(0, size);
    return token;
}

// Appends the text of a token without its quotes and backslashes.
void append_unquoted(std::string& out, const Token& token)
{
    std::string_view text = token.text;
    if (token.kind == TokenKind::Quoted)
        text = text.substr(1, text.size() - (token.complete ? 2 : 1));
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && token.kind != TokenKind::Literal)
            ++i;
        out += text[i];
    }
}

bool is_word(const Token& token)
{
    return token.kind == TokenKind::Atom || token.kind == TokenKind::Quoted || token.kind == TokenKind::Literal;
}

bool has_control(std::string_view text)
{
    for (char c : text)
        if (is_control(c) && c != '\t')
            return true;
    return false;
}

}  // namespace

Tokens tokenize(std::string_view text, std::size_t limit)
{
    Tokens tokens;
    bool space = false;
    while (!text.empty()) {
        if (is_ascii_space(text.front())) {
            space = true;
            text.remove_prefix(1);
            continue;
        }
        if (tokens.list.size() >= limit) {
            tokens.truncated = true;
            return tokens;
        }
        Token token = next_token(text);
        token.after_space = space;
        space = false;
        text.remove_prefix(token.text.size());
        tokens.list.push_back(token);
    }
    tokens.trailing_space = space;
    return tokens;
}

const Token* end_of_address(const Token* begin, const Token* end)
{
    bool previous_word = false;
    bool gap = false;
    for (const Token* token = begin; token != end; ++token) {
        gap = gap || token->after_space;
        if (token->kind == TokenKind::Comment) {
            gap = true;
            continue;
        }
        const bool word = is_word(*token);
        if (word && previous_word && gap)
            return token;
        previous_word = word;
        gap = false;
    }
    return end;
}

const Token* skip_route(const Token* begin, const Token* end)
{
    if (begin == end || !begin->is('@'))
        return begin;
    for (const Token* token = begin; token != end; ++token)
        if (token->is(':'))
            return token + 1;
    return begin;
}

AddrSpec addr_spec(const Token* begin, const Token* end)
{
    AddrSpec result;
    begin = skip_route(begin, end);
    std::size_t domain_at = std::string::npos;
    bool at_is_quoted = false;
    bool gap = false;  // white space or a comment since the last token that counts
    bool previous_word = false;
    bool word_in_local = false;
    for (const Token* token = begin; token != end; ++token) {
        gap = gap || token->after_space;
        if (token->kind == TokenKind::Comment) {
            if (!token->complete)
                return {};
            gap = true;
            continue;
        }
        if (!token->complete || has_control(token->text))
            return {};
        const bool word = is_word(*token);
        if (!word && !token->is('.') && !token->is('@'))
            return {};
        if (word && previous_word && gap)
            return {};
        if (token->kind == TokenKind::Literal && (domain_at == std::string::npos || token->text.contains('@')))
            return {};
        // No quoting behind the '@': a domain has no form that would need it.
        if (domain_at != std::string::npos && (token->kind == TokenKind::Quoted || token->text.contains('\\')))
            return {};
        if (token->is('@'))
            domain_at = result.address.size();
        else if (domain_at == std::string::npos)
            word_in_local = true;
        if (word && token->text.contains('@'))
            at_is_quoted = true;
        append_unquoted(result.address, *token);
        previous_word = word;
        gap = false;
    }
    result.has_domain = domain_at != std::string::npos;
    const bool empty_domain = result.has_domain && domain_at + 1 == result.address.size();
    result.valid = word_in_local && !empty_domain && (result.has_domain || !at_is_quoted);
    // Behind the separating '@' nothing may look like another one.
    if (result.has_domain && result.address.find('@', domain_at + 1) != std::string::npos)
        result.valid = false;
    return result;
}

}  // namespace posthaste::address
