// mail_parameters.cc — see mail_parameters.h.
#include "smtp/mail_parameters.h"

#include "address/fold.h"
#include "base/text.h"

#include <algorithm>

namespace posthaste::smtp {

namespace {

struct Parameter {
    std::string_view keyword;
    std::string_view value;
    bool has_value = false;
};

Parameter split_parameter(std::string_view word)
{
    std::size_t equals = word.find('=');
    if (equals == std::string_view::npos)
        return {word, {}, false};
    return {word.substr(0, equals), word.substr(equals + 1), true};
}

std::unexpected<Reply> unsupported(std::string_view word)
{
    return std::unexpected(Reply{555, "5.5.4 Unsupported option: " + std::string(word)});
}

std::unexpected<Reply> bad(std::string_view text) { return std::unexpected(Reply{501, "5.5.4 " + std::string(text)}); }

std::unexpected<Reply> dsn_disabled() { return std::unexpected(Reply{501, "5.7.1 DSN support is disabled"}); }

bool is_printable(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// RFC 3461 4.1: NEVER alone, or a list of the others.
std::optional<std::uint8_t> parse_notify(std::string_view value)
{
    std::uint8_t bits = 0;
    for (std::string_view word : split(value, ",")) {
        std::uint8_t bit = equal_ignoring_case(word, "NEVER")     ? notify_never
                           : equal_ignoring_case(word, "SUCCESS") ? notify_success
                           : equal_ignoring_case(word, "FAILURE") ? notify_failure
                           : equal_ignoring_case(word, "DELAY")   ? notify_delay
                                                                  : 0;
        if (bit == 0)
            return std::nullopt;
        bits |= bit;
    }
    if (bits == 0 || ((bits & notify_never) != 0 && bits != notify_never))
        return std::nullopt;
    return bits;
}

// RFC 3461 4.2: address type, ';', xtext. RFC 6533 3: with the type utf-8 the address may stand there as it is.
std::optional<std::string> parse_orcpt(std::string_view value)
{
    std::size_t semicolon = value.find(';');
    if (semicolon == std::string_view::npos || semicolon == 0)
        return std::nullopt;
    std::string_view type = value.substr(0, semicolon);
    if (!std::ranges::all_of(type, [](char c) { return is_ascii_alnum(c) || c == '-'; }))
        return std::nullopt;
    const std::string_view encoded = value.substr(semicolon + 1);
    if (equal_ignoring_case(type, "utf-8") && !address::is_ascii(encoded))
        return std::string(value);
    std::optional<std::string> address = decode_xtext(encoded);
    if (!address || !is_printable(*address))
        return std::nullopt;
    return std::string(type) + ";" + *address;
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            auto byte = parse_number<unsigned>(text.substr(i + 1, 2), 16);
            if (!byte || i + 3 > text.size())
                return std::nullopt;
            out.push_back(static_cast<char>(*byte));
            i += 2;
        } else if (text[i] > 0x20 && text[i] < 0x7f) {
            out.push_back(text[i]);
        } else {
            return std::nullopt;
        }
    }
    return out;
}

std::expected<MailParameters, Reply> parse_mail_parameters(std::span<const std::string_view> words,
                                                           ExtensionSet offered)
{
    MailParameters result;
    for (std::string_view word : words) {
        Parameter parameter = split_parameter(word);
        if (parameter.has_value && equal_ignoring_case(parameter.keyword, "SIZE")) {
            if (parameter.value.empty() || !std::ranges::all_of(parameter.value, is_ascii_digit))
                return bad("Bad message size syntax");
            result.size = parse_number<std::uint64_t>(parameter.value);
            if (!result.size)
                return std::unexpected(Reply{552, "5.3.4 Message size exceeds file system imposed limit"});
        } else if (equal_ignoring_case(word, "BODY=8BITMIME")) {
            result.eight_bit = true;
        } else if (equal_ignoring_case(word, "BODY=7BIT")) {
            result.eight_bit = false;
        } else if (parameter.has_value && equal_ignoring_case(parameter.keyword, "RET")) {
            if (!offered.has(Extension::Dsn))
                return dsn_disabled();
            bool full = equal_ignoring_case(parameter.value, "FULL");
            if (result.ret != Return::Unset || (!full && !equal_ignoring_case(parameter.value, "HDRS")))
                return bad("Bad RET parameter syntax");
            result.ret = full ? Return::Full : Return::Headers;
        } else if (parameter.has_value && equal_ignoring_case(parameter.keyword, "ENVID")) {
            if (!offered.has(Extension::Dsn))
                return dsn_disabled();
            std::optional<std::string> envid = decode_xtext(parameter.value);
            if (!envid || envid->empty() || !result.envid.empty() || !is_printable(*envid))
                return bad("Bad ENVID parameter syntax");
            result.envid = std::move(*envid);
        } else if (offered.has(Extension::Smtputf8) && equal_ignoring_case(word, "SMTPUTF8")) {
            result.smtputf8 = true;
        } else if (offered.has(Extension::Verp) && equal_ignoring_case(parameter.keyword, "XVERP")) {
            result.verp = parameter.value;
        } else if (!parameter.has_value || !equal_ignoring_case(parameter.keyword, "AUTH")) {
            return unsupported(word);
        }
    }
    return result;
}

std::expected<RcptParameters, Reply> parse_rcpt_parameters(std::span<const std::string_view> words,
                                                           ExtensionSet offered)
{
    RcptParameters result;
    for (std::string_view word : words) {
        Parameter parameter = split_parameter(word);
        if (parameter.has_value && equal_ignoring_case(parameter.keyword, "NOTIFY")) {
            if (!offered.has(Extension::Dsn))
                return dsn_disabled();
            std::optional<std::uint8_t> bits = parse_notify(parameter.value);
            if (!bits || result.notify != 0)
                return bad("Error: Bad NOTIFY parameter syntax");
            result.notify = *bits;
        } else if (parameter.has_value && equal_ignoring_case(parameter.keyword, "ORCPT")) {
            if (!offered.has(Extension::Dsn))
                return dsn_disabled();
            std::optional<std::string> orcpt = parse_orcpt(parameter.value);
            if (!orcpt || !result.orcpt.empty())
                return bad("Error: Bad ORCPT parameter syntax");
            result.orcpt = std::move(*orcpt);
        } else {
            return unsupported(word);
        }
    }
    return result;
}

}  // namespace posthaste::smtp
