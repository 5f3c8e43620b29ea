// What the content of a message is looked at for on its way into the queue, read once from the configuration: the
// tables of header_checks(5), characters that are not wanted, and what is refused of the structure.
#pragma once

#include "config/config.h"
#include "inspect/content_tables.h"
#include "queue/envelope.h"

#include <bitset>
#include <cstdint>
#include <memory>
#include <string_view>

namespace posthaste::intake {

using CharacterSet = std::bitset<256>;

// postconf(5) message_reject_characters: characters, with C escapes (\a \b \f \n \r \t \v \\ and \ddd in octal).
CharacterSet parse_characters(std::string_view text);

// postconf(5) non_empty_end_of_header_action: a header that ends at a line which is none and not empty either.
enum class HeaderEndAction : std::uint8_t { FixQuietly, AddHeader, Reject };

struct ContentRules {
    // Invalid: a parameter that names tables is malformed, or a word is unknown.
    static Result<std::unique_ptr<ContentRules>> read(const config::Config& config);

    // Whether there is anything to do for mail of this origin (postconf(5) internal_mail_filter_classes).
    [[nodiscard]] bool inspects(queue::Origin origin) const;

    inspect::ContentTables tables;
    CharacterSet rejected;
    CharacterSet stripped;
    HeaderEndAction header_end = HeaderEndAction::FixQuietly;
    bool strict_7bit_headers = false;
    bool strict_8bitmime_body = false;
    bool strict_encoding_domain = false;
    bool inspects_bounces = false;
    bool inspects_notices = false;
};

}  // namespace posthaste::intake
