// content_type.cc — see content_type.h.
#include "mime/content_type.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace posthaste::mime {

namespace {

// RFC 2045 5.1: token, quoted-string or one special; comments (RFC 822 3.4.3, nested) and white space between them.
struct Token {
    enum class Kind : std::uint8_t { End, Word, Quoted, Special } kind = Kind::End;
    std::string text;
    [[nodiscard]] bool is(char special) const { return kind == Kind::Special && text[0] == special; }
};

class Tokens {
public:
    explicit Tokens(std::string_view text) : rest_(text) {}

    Token next()
    {
        skip_blanks_and_comments();
        if (rest_.empty())
            return {};
        constexpr std::string_view specials = "()<>@,;:\\/[]?=\"";
        if (rest_.front() == '"')
            return quoted();
        std::size_t end = 0;
        while (end < rest_.size() && !is_ascii_space(rest_[end]) && !specials.contains(rest_[end]))
            ++end;
        Token token{.kind = end == 0 ? Token::Kind::Special : Token::Kind::Word, .text = {}};
        end += end == 0 ? 1 : 0;
        token.text = rest_.substr(0, end);
        rest_.remove_prefix(end);
        return token;
    }

private:
    void skip_blanks_and_comments()
    {
        int depth = 0;
        while (!rest_.empty()) {
            const char c = rest_.front();
            if (c == '(')
                ++depth;
            else if (depth == 0 && !is_ascii_space(c))
                return;
            else if (c == ')' && depth > 0)
                --depth;
            else if (c == '\\' && depth > 0 && rest_.size() > 1)
                rest_.remove_prefix(1);
            rest_.remove_prefix(1);
        }
    }

    // Up to the closing quote, or to the end where there is none.
    Token quoted()
    {
        Token token{.kind = Token::Kind::Quoted, .text = {}};
        rest_.remove_prefix(1);
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\' && rest_.size() > 1)
                rest_.remove_prefix(1);
            if (rest_.front() != '\n')
                token.text += rest_.front();
            rest_.remove_prefix(1);
        }
        if (!rest_.empty())
            rest_.remove_prefix(1);
        return token;
    }

    std::string_view rest_;
};

MediaType media_type(std::string_view type, std::string_view subtype)
{
    if (equal_ignoring_case(type, "multipart"))
        return equal_ignoring_case(subtype, "digest") ? MediaType::Digest : MediaType::Multipart;
    if (!equal_ignoring_case(type, "message"))
        return MediaType::Other;
    if (equal_ignoring_case(subtype, "rfc822"))
        return MediaType::NestedMessage;
    return equal_ignoring_case(subtype, "global") ? MediaType::GlobalMessage : MediaType::Other;
}

// The value of the first parameter of that name.
std::string boundary_parameter(Tokens& tokens)
{
    for (Token token = tokens.next(); token.kind != Token::Kind::End; token = tokens.next()) {
        if (!token.is(';'))
            continue;
        if (token = tokens.next(); token.kind != Token::Kind::Word || !equal_ignoring_case(token.text, "boundary"))
            continue;
        if (!tokens.next().is('='))
            continue;
        if (token = tokens.next(); token.kind == Token::Kind::Word || token.kind == Token::Kind::Quoted)
            return std::move(token.text);
    }
    return {};
}

struct Named {
    std::string_view name;
    TransferEncoding encoding;
};
constexpr std::array encodings{
    Named{"7bit", TransferEncoding::SevenBit}, Named{"8bit", TransferEncoding::EightBit},
    Named{"binary", TransferEncoding::Binary}, Named{"quoted-printable", TransferEncoding::QuotedPrintable},
    Named{"base64", TransferEncoding::Base64},
};

}  // namespace

ContentType parse_content_type(std::string_view value)
{
    Tokens tokens(value);
    const Token type = tokens.next();
    if (type.kind != Token::Kind::Word || !tokens.next().is('/'))
        return {};
    const Token subtype = tokens.next();
    if (subtype.kind != Token::Kind::Word)
        return {};
    ContentType content{.media = media_type(type.text, subtype.text), .boundary = {}};
    if (content.media == MediaType::Multipart || content.media == MediaType::Digest)
        content.boundary = boundary_parameter(tokens);
    return content;
}

TransferEncoding parse_transfer_encoding(std::string_view value)
{
    const Token token = Tokens(value).next();
    const auto* found = std::ranges::find_if(
        encodings, [&](const Named& known) { return equal_ignoring_case(known.name, token.text); });
    return found == encodings.end() || token.kind != Token::Kind::Word ? TransferEncoding::Unknown : found->encoding;
}

std::string_view name(TransferEncoding encoding)
{
    const auto* found = std::ranges::find(encodings, encoding, &Named::encoding);
    return found == encodings.end() ? std::string_view() : found->name;
}

}  // namespace posthaste::mime
