// tokens.h — the lexical level of RFC 5322 3.2 and 4.1, shared by envelope paths and header address lists.
//
// Tolerant where real mail is: atoms may hold 8-bit bytes (RFC 6532), an unfinished quote, comment or literal ends
// with the text and is marked. Pure; views point into the text. At most `limit` tokens are produced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::address {

enum class TokenKind : std::uint8_t {
    Atom,
    Quoted,   // "..." with its quotes
    Literal,  // [...] with its brackets
    Comment,  // (...) with its parentheses, nested ones included
    Special,  // one of <>@,;:. and stray )]
    Invalid,  // a control character
};

struct Token {
    TokenKind kind = TokenKind::Atom;
    std::string_view text;
    bool after_space = false;  // white space stands before it
    bool complete = true;      // false: the closing delimiter is missing

    [[nodiscard]] bool is(char special) const
    {
        return kind == TokenKind::Special && text.size() == 1 && text.front() == special;
    }
};

struct Tokens {
    std::vector<Token> list;
    bool truncated = false;  // the limit was reached
    bool trailing_space = false;
};

Tokens tokenize(std::string_view text, std::size_t limit);

// What an addr-spec made of the tokens [begin, end) means, in internal form.
struct AddrSpec {
    std::string address;
    bool valid = false;
    bool has_domain = false;
};
// A leading source route (@a,@b:) is dropped. Comments are skipped. Invalid: empty, words with nothing between them,
// an '@' inside quotes without a domain behind, control characters, an empty local part.
AddrSpec addr_spec(const Token* begin, const Token* end);
// Where the first address of [begin, end) ends: words with only white space between them are addresses of their own
// ("root: alice bob"), as they are for Postfix.
const Token* end_of_address(const Token* begin, const Token* end);
// The first token behind a leading source route "@a,@b:".
const Token* skip_route(const Token* begin, const Token* end);

}  // namespace posthaste::address
