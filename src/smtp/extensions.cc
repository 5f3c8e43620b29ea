// extensions.cc — see extensions.h.
#include "smtp/extensions.h"

#include "base/text.h"

#include <algorithm>
#include <array>

namespace posthaste::smtp {

namespace {

struct Known {
    Extension extension;
    std::string_view announced;  // empty: never announced by this line
    std::string_view keyword;    // in smtpd_discard_ehlo_keywords
};

// In the order of the EHLO reply.
constexpr std::array known{
    Known{Extension::Pipelining, "PIPELINING", "pipelining"},
    Known{Extension::Size, "SIZE", "size"},
    Known{Extension::Vrfy, "VRFY", "vrfy"},
    Known{Extension::Etrn, "ETRN", "etrn"},
    Known{Extension::Starttls, "STARTTLS", "starttls"},
    Known{Extension::Auth, "", "auth"},
    Known{Extension::Verp, "XVERP", "verp"},
    Known{Extension::Xclient, "", "xclient"},
    Known{Extension::Xforward, "", "xforward"},
    Known{Extension::EnhancedStatusCodes, "ENHANCEDSTATUSCODES", "enhancedstatuscodes"},
    Known{Extension::EightBitMime, "8BITMIME", "8bitmime"},
    Known{Extension::Dsn, "DSN", "dsn"},
    Known{Extension::Smtputf8, "SMTPUTF8", "smtputf8"},
    Known{Extension::Chunking, "CHUNKING", "chunking"},
    Known{Extension::RequireTls, "REQUIRETLS", "requiretls"},
    Known{Extension::SilentDiscard, "", "silent-discard"},
};

}  // namespace

ExtensionSet parse_discard_keywords(std::string_view text, std::vector<std::string>& unknown)
{
    ExtensionSet set;
    for (std::string_view word : split(text, ", \t\r\n")) {
        const auto* found =
            std::ranges::find_if(known, [word](const Known& k) { return equal_ignoring_case(k.keyword, word); });
        if (found == known.end())
            unknown.emplace_back(word);
        else
            set.add(found->extension);
    }
    return set;
}

std::string keyword_names(ExtensionSet set)
{
    std::string names;
    for (const Known& k : known) {
        if (set.has(k.extension) && k.extension != Extension::SilentDiscard)
            (names += ' ') += to_upper(k.keyword);
    }
    return names;
}

std::string ehlo_text(std::string_view myhostname, ExtensionSet offered, std::uint64_t message_size_limit)
{
    std::string text(myhostname);
    for (const Known& k : known) {
        if (!offered.has(k.extension) || k.announced.empty())
            continue;
        text += '\n';
        text += k.announced;
        if (k.extension == Extension::Size && message_size_limit > 0)
            text += ' ' + std::to_string(message_size_limit);
    }
    return text;
}

}  // namespace posthaste::smtp
