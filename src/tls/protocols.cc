// protocols.cc — see protocols.h.
#include "tls/protocols.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <openssl/ssl.h>
#include <optional>
#include <string>

namespace posthaste::tls {

namespace {

struct Version {
    std::string_view name;
    int number;
    std::uint64_t off;  // the option that disables it
};

constexpr int ssl2 = 0x0002;
constexpr std::array versions{
    Version{"SSLv2", ssl2, 0},
    Version{"SSLv3", SSL3_VERSION, SSL_OP_NO_SSLv3},
    Version{"TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1},
    Version{"TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
    Version{"TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
    Version{"TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3},
};

// Null: there is none of this name.
const Version* version_named(std::string_view word)
{
    const auto* known =
        std::ranges::find_if(versions, [&](const Version& v) { return equal_ignoring_case(v.name, word); });
    return known == versions.end() ? nullptr : known;
}

// A bound may also be a number, for versions that have no name here yet.
std::optional<int> bound(std::string_view word)
{
    if (const Version* known = version_named(word))
        return known->number;
    if (word.starts_with("0x") || word.starts_with("0X"))
        word.remove_prefix(2);
    constexpr int hexadecimal = 16;
    return word.size() == 4 ? parse_number<int>(word, hexadecimal) : std::nullopt;
}

}  // namespace

Result<Protocols> parse_protocols(std::string_view text)
{
    Protocols protocols;
    std::uint64_t included = 0;
    std::uint64_t all = 0;
    bool names_some = false;
    for (const Version& version : versions)
        all |= version.off;
    for (std::string_view word : split(text, ", \t\r\n:")) {
        const std::string_view whole = word;
        if (word.starts_with(">=") || word.starts_with("<=")) {
            const auto number = bound(word.substr(2));
            if (!number)
                return fail(ErrorKind::Invalid, "unknown protocol version \"" + std::string(whole) + "\"");
            (word.front() == '>' ? protocols.lowest : protocols.highest) = *number == ssl2 ? 0 : *number;
            continue;
        }
        const bool excluded = word.starts_with('!');
        word.remove_prefix(excluded ? 1 : 0);
        const Version* known = version_named(word);
        if (!known)
            return fail(ErrorKind::Invalid, "unknown protocol version \"" + std::string(whole) + "\"");
        (excluded ? protocols.disabled : included) |= known->off;
        names_some |= !excluded && known->off != 0;
    }
    if (names_some)
        protocols.disabled |= all & ~included;
    if (!leaves_some(protocols))
        return fail(ErrorKind::Invalid, "\"" + std::string(text) + "\" leaves no protocol version");
    return protocols;
}

bool leaves_some(const Protocols& protocols)
{
    return std::ranges::any_of(versions, [&](const Version& version) {
        return version.number >= TLS1_VERSION && (protocols.disabled & version.off) == 0 &&
               (protocols.lowest == 0 || version.number >= protocols.lowest) &&
               (protocols.highest == 0 || version.number <= protocols.highest);
    });
}

}  // namespace posthaste::tls
