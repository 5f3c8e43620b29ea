// outcome.cc — see outcome.h.
#include "dsn/outcome.h"

#include "base/text.h"

namespace posthaste::dsn {

std::string Code::text() const
{
    return std::to_string(status_class) + "." + std::to_string(subject) + "." + std::to_string(detail);
}

namespace {

// One to three digits at the start of text, taken off it (RFC 3463 2).
std::optional<std::uint16_t> take_part(std::string_view& text)
{
    std::size_t digits = 0;
    while (digits < text.size() && digits < 4 && is_ascii_digit(text[digits]))
        ++digits;
    if (digits == 0 || digits > 3)
        return std::nullopt;
    auto value = parse_number<std::uint16_t>(text.substr(0, digits));
    text.remove_prefix(digits);
    return value;
}

bool take_dot(std::string_view& text)
{
    if (!text.starts_with('.'))
        return false;
    text.remove_prefix(1);
    return true;
}

std::optional<Code> take_code(std::string_view& text)
{
    if (text.size() < 5 || (text[0] != '2' && text[0] != '4' && text[0] != '5'))
        return std::nullopt;
    Code code;
    code.status_class = static_cast<std::uint8_t>(text[0] - '0');
    std::string_view rest = text.substr(1);
    if (!take_dot(rest))
        return std::nullopt;
    auto subject = take_part(rest);
    if (!subject || !take_dot(rest))
        return std::nullopt;
    auto detail = take_part(rest);
    if (!detail)
        return std::nullopt;
    code.subject = *subject;
    code.detail = *detail;
    text = rest;
    return code;
}

}  // namespace

std::optional<Code> parse_code(std::string_view text)
{
    auto code = take_code(text);
    return text.empty() ? code : std::nullopt;
}

CodedText split_code(std::string_view text, Code default_code)
{
    std::string_view rest = text;
    auto code = take_code(rest);
    if (code && (rest.empty() || is_ascii_space(rest.front())))
        return {*code, std::string(trim(rest))};
    return {default_code, std::string(text)};
}

Outcome Outcome::delivered(Code code, std::string text, std::string relay)
{
    Outcome outcome;
    outcome.action = Action::Delivered;
    outcome.code = code;
    outcome.text = std::move(text);
    outcome.relay = std::move(relay);
    return outcome;
}

Outcome Outcome::deferred(Code code, std::string text, std::string relay)
{
    Outcome outcome = delivered(code.with_class(4), std::move(text), std::move(relay));
    outcome.action = Action::Deferred;
    return outcome;
}

Outcome Outcome::bounced(Code code, std::string text, std::string relay)
{
    Outcome outcome = delivered(code.with_class(5), std::move(text), std::move(relay));
    outcome.action = Action::Bounced;
    return outcome;
}

}  // namespace posthaste::dsn
