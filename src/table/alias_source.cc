// alias_source.cc — see alias_source.h.
#include "table/alias_source.h"

#include "address/tokens.h"
#include "base/text.h"

namespace posthaste::table {

namespace {

using address::Token;
using address::TokenKind;

constexpr std::size_t max_tokens = 1000000;  // an alias with that many members is no accident

// A word as it counts in a name: without quotes and backslashes.
void append_word(std::string& out, const Token& token)
{
    std::string_view text = token.text;
    if (token.kind == TokenKind::Quoted)
        text = text.substr(1, text.size() - 2);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && token.kind != TokenKind::Literal)
            ++i;
        out += text[i];
    }
}

}  // namespace

Result<Alias> parse_alias(std::string_view line)
{
    const address::Tokens tokens = address::tokenize(line, max_tokens);
    const auto need_pair = [] { return fail(ErrorKind::Invalid, "need name:value pair"); };
    if (tokens.truncated)
        return fail(ErrorKind::Limit, "alias is too long");
    Alias alias;
    const Token* token = tokens.list.data();
    const Token* const end = token + tokens.list.size();
    bool quoted_name = false;
    for (; token != end && !token->is(':'); ++token) {
        if (token->is('@'))
            return fail(ErrorKind::Invalid, "name must be local");
        if (token->is(',') || token->is(';') || !token->complete)
            return need_pair();
        if (token->after_space && !alias.name.empty())
            alias.name += ' ';
        append_word(alias.name, *token);
        quoted_name = quoted_name || token->kind == TokenKind::Quoted;
    }
    if (token == end || (alias.name.empty() && !quoted_name))
        return need_pair();
    for (++token; token != end; ++token) {
        if (!token->complete)
            return need_pair();
        const bool after_comma = (token - 1)->is(',');
        const bool after_colon = (token - 1)->is(':');
        if (!alias.value.empty() && !token->is(',') && !after_colon && (token->after_space || after_comma))
            alias.value += ' ';
        alias.value += token->text;
    }
    if (alias.value.empty())
        return need_pair();
    if (alias.name.empty())
        return fail(ErrorKind::Invalid, "empty lookup key value is not allowed");
    return alias;
}

}  // namespace posthaste::table
