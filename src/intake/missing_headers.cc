// The headers that the author left out, see missing_headers.h.
#include "intake/missing_headers.h"

#include "address/local_part.h"
#include "base/text.h"
#include "intake/date.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace posthaste::intake {

namespace {

bool is_atom_character(char c)
{
    constexpr std::string_view others = "!#$%&'*+-/=?^_`{|}~";
    return is_ascii_alnum(c) || others.find(c) != std::string_view::npos;
}

// RFC 5322 3.2.5: words of atoms and single spaces need no quotes.
bool is_plain_phrase(std::string_view name)
{
    return std::ranges::all_of(name, [](char c) { return is_atom_character(c) || c == ' '; });
}

std::string quoted(std::string_view text, char open, char close, std::string_view special)
{
    std::string out(1, open);
    for (char c : text) {
        if (special.find(c) != std::string_view::npos)
            out += '\\';
        out += c;
    }
    return out + close;
}

// RFC 2047 4.2, in pieces of whole UTF-8 characters: an encoded word has at most 75 bytes.
std::string encoded_words(std::string_view name, std::string_view charset)
{
    std::string out;
    std::string word;
    auto finish_word = [&] {
        out += fmt::format("{}=?{}?Q?{}?=", out.empty() ? "" : " ", charset, word);
        word.clear();
    };
    for (std::size_t at = 0; at < name.size();) {
        std::size_t end = at + 1;
        while (end < name.size() && (static_cast<unsigned char>(name[end]) & 0xc0U) == 0x80U)
            ++end;
        std::string character;
        for (char c : name.substr(at, end - at)) {
            if (c == ' ')
                character += '_';
            else if (is_ascii_alnum(c))
                character += c;
            else
                fmt::format_to(std::back_inserter(character), "={:02X}", static_cast<unsigned char>(c));
        }
        if (word.size() + character.size() + charset.size() + 7 > 75)
            finish_word();
        word += character;
        at = end;
    }
    finish_word();
    return out;
}

std::string without_controls(std::string_view name)
{
    std::string clean(name);
    std::ranges::replace_if(clean, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, ' ');
    return std::string(trim(clean));
}

}  // namespace

std::string from_with_name(std::string_view address, std::string_view full_name, const OriginNames& names)
{
    std::string name = without_controls(full_name);
    if (name.empty())
        return std::string(address);
    bool ascii = std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (names.obsolete_from)
        return fmt::format("{} {}", address,
                           ascii ? quoted(name, '(', ')', "()\\") : "(" + encoded_words(name, names.charset) + ")");
    if (!ascii)
        name = encoded_words(name, names.charset);
    else if (!is_plain_phrase(name))
        name = quoted(name, '"', '"', "\"\\");
    return fmt::format("{} <{}>", name, address);
}

MissingHeaders missing_headers(const HeaderPass& header, const queue::Envelope& envelope, const OriginNames& names)
{
    MissingHeaders made;
    auto out = std::back_inserter(made.text);
    made.resent = header.seen_resent();
    std::string_view prefix = made.resent ? "Resent-" : "";
    if (!header.seen(made.resent ? HeaderKind::ResentMessageId : HeaderKind::MessageId)) {
        const std::string date = names.long_queue_ids ? "" : compact_date(envelope.arrival_seconds) + ".";
        made.message_id = fmt::format("<{}{}@{}>", date, envelope.queue_id, names.myhostname);
        fmt::format_to(out, "{}Message-Id: {}\r\n", prefix, made.message_id);
    }
    if (!header.seen(made.resent ? HeaderKind::ResentDate : HeaderKind::Date))
        fmt::format_to(out, "{}Date: {}\r\n", prefix, mail_date(envelope.arrival_seconds));
    if (!header.seen(made.resent ? HeaderKind::ResentFrom : HeaderKind::From)) {
        std::string from = envelope.sender.empty() ? "MAILER-DAEMON" : address::quote(envelope.sender);
        std::string_view name = envelope.sender.empty() ? "" : std::string_view(envelope.sender_full_name);
        fmt::format_to(out, "{}From: {}\r\n", prefix, from_with_name(from, name, names));
    }
    bool has_visible_recipients = header.seen(HeaderKind::To) || header.seen(HeaderKind::Cc) ||
                                  header.seen(HeaderKind::ResentTo) || header.seen(HeaderKind::ResentCc);
    if (!has_visible_recipients && !names.undisclosed_recipients_header.empty())
        fmt::format_to(out, "{}\r\n", names.undisclosed_recipients_header);
    return made;
}

std::string received_line(std::string_view myhostname, std::string_view by_what, const queue::Envelope& envelope)
{
    return fmt::format("Received: by {} ({})\r\n\tid {}; {}\r\n", myhostname, by_what, envelope.queue_id,
                       mail_date(envelope.arrival_seconds));
}

}  // namespace posthaste::intake
