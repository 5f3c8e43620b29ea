// What the content of a message is looked at for, see content_rules.h.
#include "intake/content_rules.h"

#include "base/text.h"
#include "param/basics.h"
#include "param/bounce.h"
#include "param/cleanup.h"
#include "param/smtpd.h"
#include "table/text_source.h"

#include <algorithm>

namespace posthaste::intake {

namespace {

using inspect::CheckTable;

std::size_t size_of(int value) { return static_cast<std::size_t>(value); }

Result<void> open_tables(inspect::ContentTables& tables, const config::Config& config)
{
    TRY(tables.open(CheckTable::Header, "header_checks", config.get(param::header_checks)));
    TRY(tables.open(CheckTable::MimeHeader, "mime_header_checks", config.get(param::mime_header_checks)));
    TRY(tables.open(CheckTable::NestedHeader, "nested_header_checks", config.get(param::nested_header_checks)));
    TRY(tables.open(CheckTable::Body, "body_checks", config.get(param::body_checks)));
    tables.limits = inspect::read_structure_limits(config);
    if (config.get(param::disable_mime_input_processing))
        tables.depth = mime::Depth::PrimaryHeader;
    tables.converts_to_seven_bit = config.get(param::force_mime_input_conversion);
    tables.body_limit = size_of(config.get(param::body_checks_size_limit));
    tables.line_limit = size_of(config.get(param::line_length_limit));
    return {};
}

HeaderEndAction header_end_action(std::string_view name)
{
    return name == "reject"       ? HeaderEndAction::Reject
           : name == "add_header" ? HeaderEndAction::AddHeader
                                  : HeaderEndAction::FixQuietly;
}

// The character behind a backslash; `text` is left behind what was used.
unsigned char escaped(std::string_view& text)
{
    constexpr std::string_view names = "abfnrtv";
    constexpr std::string_view values = "\a\b\f\n\r\t\v";
    auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
    if (!text.empty() && is_octal(text.front())) {
        unsigned value = 0;
        for (int digits = 0; digits < 3 && !text.empty() && is_octal(text.front()); ++digits) {
            value = 8 * value + static_cast<unsigned>(text.front() - '0');
            text.remove_prefix(1);
        }
        return static_cast<unsigned char>(value);
    }
    if (text.empty())
        return '\\';
    const char c = text.front();
    text.remove_prefix(1);
    const std::size_t known = names.find(c);
    return static_cast<unsigned char>(known == std::string_view::npos ? c : values[known]);
}

}  // namespace

CharacterSet parse_characters(std::string_view text)
{
    CharacterSet set;
    while (!text.empty()) {
        auto c = static_cast<unsigned char>(text.front());
        text.remove_prefix(1);
        set.set(c == '\\' ? escaped(text) : c);
    }
    return set;
}

Result<std::unique_ptr<ContentRules>> ContentRules::read(const config::Config& config)
{
    auto rules = std::make_unique<ContentRules>();
    TRY(open_tables(rules->tables, config));
    rules->rejected = parse_characters(config.get(param::message_reject_characters));
    rules->stripped = parse_characters(config.get(param::message_strip_characters));
    rules->header_end = header_end_action(config.get(param::non_empty_end_of_header_action));
    rules->tables.watches_header_end = rules->header_end != HeaderEndAction::FixQuietly;
    const bool strict = config.get(param::strict_8bitmime);
    rules->strict_7bit_headers = strict || config.get(param::strict_7bit_headers);
    rules->strict_8bitmime_body = strict || config.get(param::strict_8bitmime_body);
    rules->strict_encoding_domain = config.get(param::strict_mime_encoding_domain);
    for (std::string_view word : split(config.get(param::internal_mail_filter_classes), table::list_separators))
        (word == "bounce" ? rules->inspects_bounces : rules->inspects_notices) = true;
    return rules;
}

bool ContentRules::inspects(queue::Origin origin) const
{
    using queue::Origin;
    const bool from_outside = origin == Origin::Smtpd || origin == Origin::Sendmail || origin == Origin::Qmqpd;
    if (!from_outside && !(origin == Origin::Bounce && inspects_bounces) &&
        !(origin == Origin::Notify && inspects_notices))
        return false;
    return !tables.empty() || rejected.any() || stripped.any() || strict_7bit_headers || strict_8bitmime_body ||
           strict_encoding_domain || tables.watches_header_end || tables.converts_to_seven_bit;
}

}  // namespace posthaste::intake
