// The envelope of a message: everything that is known about it besides its content. Written once at commit, never
// changed. What changes (which recipients are done) are the marks, which stand apart (queue/marks.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::queue {

// RFC 3461 4.1 NOTIFY, as bits; none of them: the default (failure, and delay where warnings are on).
enum Notify : std::uint8_t {
    notify_default = 0,
    notify_never = 1,
    notify_success = 2,
    notify_failure = 4,
    notify_delay = 8
};

struct Recipient {
    std::string address;    // internal form: user@domain, unquoted local part
    std::string original;   // before rewriting and aliases; empty if the same (X-Original-To, orig_to=)
    std::string dsn_orcpt;  // RFC 3461 ORCPT, "rfc822;user@domain", still xtext-decoded; empty if none
    std::uint8_t notify = notify_default;

    [[nodiscard]] const std::string& original_address() const { return original.empty() ? address : original; }
    friend bool operator==(const Recipient&, const Recipient&) = default;
};

enum class BodyEncoding : std::uint8_t { SevenBit, EightBit };
enum class DsnReturn : std::uint8_t { Unset, Headers, Full };
// Of numbers that a stranger may have written: they are brought within their bounds.
constexpr BodyEncoding as_body_encoding(std::uint8_t number)
{
    return number == 1 ? BodyEncoding::EightBit : BodyEncoding::SevenBit;
}
constexpr DsnReturn as_dsn_return(std::uint8_t number)
{
    return static_cast<DsnReturn>(std::min<std::uint8_t>(number, 2));
}
// What is asked for: delivery, or only a report on what delivery would do (sendmail -bv, -v; address verification).
enum class Trace : std::uint8_t { None, Report, Verify, AddressProbe };
// Where the message entered; selects filters and rewriting of what is generated inside (internal_mail_filter_classes).
enum class Origin : std::uint8_t { Smtpd, Sendmail, Qmqpd, Forward, Bounce, Notify, Verify };

// Who handed the message in: for the log, Received:, XFORWARD and the environment of commands. Empty: unknown.
struct Client {
    std::string name;
    std::string address;
    std::string port;
    std::string helo;
    std::string protocol;
    std::string ident;  // queue id at the previous hop, from XFORWARD
    std::string reverse_name;
    std::string server_address;
    std::string server_port;
    std::string sasl_method;
    std::string sasl_username;
    std::string sasl_sender;

    friend bool operator==(const Client&, const Client&) = default;
};

struct Envelope {
    std::string queue_id;
    std::int64_t arrival_seconds = 0;  // since the epoch
    std::uint32_t arrival_microseconds = 0;
    std::string sender;            // empty: the null sender <>
    std::string sender_full_name;  // sendmail -F
    std::vector<Recipient> recipients;
    std::string dsn_envid;  // RFC 3461 ENVID, xtext-decoded
    DsnReturn dsn_return = DsnReturn::Unset;
    BodyEncoding encoding = BodyEncoding::SevenBit;
    bool smtputf8 = false;  // the sender asked for it, or the content needs it
    Trace trace = Trace::None;
    Origin origin = Origin::Smtpd;
    bool local_rewrite_context = true;  // false: "remote" (local_header_rewrite_clients does not match)
    std::string filter;                 // FILTER transport:nexthop; overrides content_filter
    std::string redirect;               // REDIRECT address
    std::string verp_delimiters;        // empty: no VERP
    std::uint32_t hop_count = 0;        // Received: lines in the content
    std::string message_id;             // as in the header, "<...>", for threaded bounces
    Client client;

    friend bool operator==(const Envelope&, const Envelope&) = default;
};

// NOTIFY=SUCCESS (RFC 3461), sendmail -v and -bv, a probe of an address: as far as `envelope.recipients` tell, which
// may be a part of them.
inline bool wants_report_of_success(const Envelope& envelope)
{
    return envelope.trace != Trace::None || std::ranges::any_of(envelope.recipients, [](const Recipient& each) {
               return (each.notify & notify_success) != 0;
           });
}

// What a sender must know about the content so that an unchanged message goes out without being looked at again.
struct ContentFacts {
    std::uint64_t size = 0;  // bytes as stored: CRLF line ends, no dot stuffing
    std::uint64_t lines = 0;
    std::uint64_t header_size = 0;     // bytes up to and including the empty line
    std::uint32_t longest_line = 0;    // bytes without CRLF
    bool dot_lines = false;            // some line begins with '.'
    bool eight_bit = false;            // some byte is above 127
    bool utf8_header = false;          // some header byte is above 127
    std::uint64_t long_line_size = 0;  // what Postfix counts beyond `size`: sum of record_excess()

    // What the records of a line take in a queue file of Postfix beyond its text and two bytes, which is what CRLF
    // takes: a line is cut into pieces of 2048 bytes, and the length of 128 and more takes a second byte.
    static constexpr std::uint64_t record_excess(std::size_t line)
    {
        constexpr std::size_t longest_piece = 2048;  // postconf(5) line_length_limit's default
        return 3 * (line / longest_piece) + (line % longest_piece >= 128 ? 1 : 0);
    }
    // The size that Postfix logs and shows: that of the content's records in its queue file.
    [[nodiscard]] std::uint64_t logged_size() const { return size + long_line_size; }
    friend bool operator==(const ContentFacts&, const ContentFacts&) = default;
};

}  // namespace posthaste::queue
