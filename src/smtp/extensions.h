// The service extensions that an EHLO reply announces, in Postfix's order, and the names under which an
// administrator suppresses them (postconf(5) smtpd_discard_ehlo_keywords).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::smtp {

enum class Extension : std::uint32_t {
    Pipelining = 1U << 0,
    Size = 1U << 1,
    Vrfy = 1U << 2,
    Etrn = 1U << 3,
    Starttls = 1U << 4,
    Auth = 1U << 5,
    Verp = 1U << 6,
    Xclient = 1U << 7,
    Xforward = 1U << 8,
    EnhancedStatusCodes = 1U << 9,
    EightBitMime = 1U << 10,
    Dsn = 1U << 11,
    Smtputf8 = 1U << 12,
    Chunking = 1U << 13,
    RequireTls = 1U << 14,
    SilentDiscard = 1U << 15,  // no extension: suppress without a log line
};

class ExtensionSet {
public:
    constexpr ExtensionSet() = default;
    constexpr ExtensionSet(std::initializer_list<Extension> list)
    {
        for (Extension extension : list)
            add(extension);
    }
    constexpr void add(Extension extension) { bits_ |= static_cast<std::uint32_t>(extension); }
    [[nodiscard]] constexpr bool has(Extension extension) const
    {
        return (bits_ & static_cast<std::uint32_t>(extension)) != 0;
    }
    [[nodiscard]] constexpr ExtensionSet without(ExtensionSet other) const
    {
        ExtensionSet result;
        result.bits_ = bits_ & ~other.bits_;
        return result;
    }
    [[nodiscard]] constexpr ExtensionSet with(ExtensionSet other) const
    {
        ExtensionSet result;
        result.bits_ = bits_ | other.bits_;
        return result;
    }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
    friend bool operator==(ExtensionSet, ExtensionSet) = default;

private:
    std::uint32_t bits_ = 0;
};

// What smtpd can offer today (no SASL, no BDAT).
inline constexpr ExtensionSet implemented{Extension::Pipelining,   Extension::Size,     Extension::Vrfy,
                                          Extension::Etrn,         Extension::Starttls, Extension::EnhancedStatusCodes,
                                          Extension::EightBitMime, Extension::Dsn,      Extension::Smtputf8};

// Keywords separated by commas and white space; those that do not exist go to `unknown`.
ExtensionSet parse_discard_keywords(std::string_view text, std::vector<std::string>& unknown);

// Their names as the EHLO reply or smtpd_discard_ehlo_keywords has them, each with a blank before it.
std::string keyword_names(ExtensionSet set);

// The text of the EHLO reply (lines separated by '\n'). message_size_limit 0: SIZE without a number.
std::string ehlo_text(std::string_view myhostname, ExtensionSet offered, std::uint64_t message_size_limit);

}  // namespace posthaste::smtp
