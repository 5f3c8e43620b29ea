// options.cc — see options.h.
#include "tls/options.h"

#include "base/text.h"

#include <algorithm>
#include <openssl/ssl.h>
#include <optional>
#include <span>

namespace posthaste::tls {

namespace {

struct Known {
    std::string_view word;
    std::uint64_t bits;
};

constexpr Known options[] = {
    {"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
    {"NO_TICKET", SSL_OP_NO_TICKET},
    {"NO_COMPRESSION", SSL_OP_NO_COMPRESSION},
    {"NO_RENEGOTIATION", SSL_OP_NO_RENEGOTIATION},
    {"NO_SESSION_RESUMPTION_ON_RENEGOTIATION", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION},
    {"PRIORITIZE_CHACHA", SSL_OP_PRIORITIZE_CHACHA},
    {"ENABLE_MIDDLEBOX_COMPAT", SSL_OP_ENABLE_MIDDLEBOX_COMPAT},
};

constexpr Known workarounds[] = {
    {"CRYPTOPRO_TLSEXT_BUG", SSL_OP_CRYPTOPRO_TLSEXT_BUG},
    {"DONT_INSERT_EMPTY_FRAGMENTS", SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS},
    {"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
    {"TLSEXT_PADDING", SSL_OP_TLSEXT_PADDING},
    {"MICROSOFT_BIG_SSLV3_BUFFER", 0},
    {"MICROSOFT_SESS_ID_BUG", 0},
    {"MSIE_SSLV2_RSA_PADDING", 0},
    {"NETSCAPE_CHALLENGE_BUG", 0},
    {"NETSCAPE_REUSE_CIPHER_CHANGE_BUG", 0},
    {"SSLEAY_080_CLIENT_DH_BUG", 0},
    {"SSLREF2_REUSE_CERT_TYPE_BUG", 0},
    {"TLS_BLOCK_PADDING_BUG", 0},
    {"TLS_D5_BUG", 0},
    {"TLS_ROLLBACK_BUG", SSL_OP_TLS_ROLLBACK_BUG},
};

std::optional<std::uint64_t> number_of(std::string_view word)
{
    if (!word.starts_with("0x") && !word.starts_with("0X"))
        return std::nullopt;
    constexpr int hexadecimal = 16;
    return parse_number<std::uint64_t>(word.substr(2), hexadecimal);
}

std::uint64_t parse(std::string_view text, std::span<const Known> table, std::vector<std::string>& unknown)
{
    std::uint64_t bits = 0;
    for (std::string_view word : split(text, ", \t\r\n")) {
        const auto known =
            std::ranges::find_if(table, [&](const Known& k) { return equal_ignoring_case(k.word, word); });
        if (known != table.end())
            bits |= known->bits;
        else if (const auto number = number_of(word))
            bits |= *number;
        else
            unknown.emplace_back(word);
    }
    return bits;
}

}  // namespace

std::uint64_t parse_options(std::string_view text, std::vector<std::string>& unknown)
{
    return parse(text, options, unknown);
}

std::uint64_t parse_workarounds(std::string_view text, std::vector<std::string>& unknown)
{
    return parse(text, workarounds, unknown);
}

}  // namespace posthaste::tls
