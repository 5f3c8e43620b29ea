// postfix_writer.cc — a message as a file in a queue of Postfix; see postfix_file.h.
#include "queue/postfix_file.h"

#include <algorithm>
#include <fmt/format.h>
#include <sys/socket.h>

namespace posthaste::queue {

namespace {

constexpr std::size_t longest_piece = 2048;  // line_length_limit: longer lines are cut into parts

void append(std::string& out, PostfixRecord type, std::string_view data)
{
    out += static_cast<char>(type);
    std::size_t length = data.size();
    for (; length >= 0x80; length >>= 7)
        out += static_cast<char>((length & 0x7fU) | 0x80U);
    out += static_cast<char>(length);
    out += data;
}

void append_attribute(std::string& out, std::string_view name, std::string_view value)
{
    if (!value.empty())
        append(out, PostfixRecord::Attribute, fmt::format("{}={}", name, value));
}

bool is_eight_bit(std::string_view text)
{
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

void append_client(std::string& out, const Client& client)
{
    append_attribute(out, "log_client_name", client.name);
    append_attribute(out, "log_client_address", client.address);
    append_attribute(out, "log_client_port", client.port);
    if (!client.name.empty())
        append_attribute(out, "log_message_origin", fmt::format("{}[{}]", client.name, client.address));
    append_attribute(out, "log_helo_name", client.helo);
    append_attribute(out, "log_protocol_name", client.protocol);
    append_attribute(out, "client_name", client.name);
    append_attribute(out, "reverse_client_name", client.reverse_name);
    append_attribute(out, "client_address", client.address);
    append_attribute(out, "client_port", client.port);
    append_attribute(out, "server_address", client.server_address);
    append_attribute(out, "server_port", client.server_port);
    append_attribute(out, "helo_name", client.helo);
    append_attribute(out, "protocol_name", client.protocol);
    if (!client.address.empty())
        append_attribute(out, "client_address_type", std::to_string(client.address.contains(':') ? AF_INET6 : AF_INET));
    append_attribute(out, "sasl_method", client.sasl_method);
    append_attribute(out, "sasl_username", client.sasl_username);
    append_attribute(out, "sasl_sender", client.sasl_sender);
}

// What sendmail(1) handed in, and reports of this system, came from no client.
bool has_client(const Envelope& envelope)
{
    return envelope.origin == Origin::Smtpd || envelope.origin == Origin::Qmqpd || envelope.origin == Origin::Forward;
}

std::string_view trace_flags(Trace trace)
{
    switch (trace) {
    case Trace::None: return {};
    case Trace::Report: return "1024";
    case Trace::Verify: return "512";
    case Trace::AddressProbe: return "256";
    }
    return {};
}

std::string_view ret_flags(DsnReturn value)
{
    switch (value) {
    case DsnReturn::Unset: return {};
    case DsnReturn::Full: return "1";
    case DsnReturn::Headers: return "2";
    }
    return {};
}

std::string_view encoding(const Envelope& envelope)
{
    return envelope.encoding == BodyEncoding::EightBit ? "8bit" : std::string_view();
}

// From the arrival time up to the recipients.
std::string about_the_message(const Envelope& envelope, std::int64_t warn_at)
{
    std::string out;
    append(out, PostfixRecord::Time, fmt::format("{} {}", envelope.arrival_seconds, envelope.arrival_microseconds));
    append_attribute(out, "create_time", std::to_string(envelope.arrival_seconds));
    append_attribute(out, "log_ident", envelope.client.ident.empty() ? envelope.queue_id : envelope.client.ident);
    append_attribute(out, "rewrite_context", envelope.local_rewrite_context ? "local" : "remote");
    append_attribute(out, "envelope_id", envelope.dsn_envid);
    append_attribute(out, "ret_flags", ret_flags(envelope.dsn_return));
    if (!envelope.sender_full_name.empty())
        append(out, PostfixRecord::FullName, envelope.sender_full_name);
    append(out, PostfixRecord::Sender, envelope.sender);
    append_attribute(out, "trace_flags", trace_flags(envelope.trace));
    append_attribute(out, "encoding", encoding(envelope));
    if (!envelope.verp_delimiters.empty())
        append(out, PostfixRecord::Verp, envelope.verp_delimiters);
    if (has_client(envelope))
        append_client(out, envelope.client);
    else if (envelope.origin != Origin::Sendmail)
        append_attribute(out, "log_message_origin", "local");
    if (warn_at != 0)
        append(out, PostfixRecord::WarnTime, fmt::format("{:15}", warn_at));
    return out;
}

void append_recipient(std::string& out, const Recipient& recipient)
{
    if (recipient.notify != notify_default)
        append_attribute(out, "notify_flags", std::to_string(recipient.notify));
    append_attribute(out, "dsn_orig_rcpt", recipient.dsn_orcpt);
    append(out, PostfixRecord::Original, recipient.original_address());
    append(out, PostfixRecord::Recipient, recipient.address);
}

void append_content(std::string& out, std::string_view content)
{
    while (!content.empty()) {
        const std::size_t end = content.find('\n');
        std::string_view line = content.substr(0, end);
        content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        for (; line.size() > longest_piece; line.remove_prefix(longest_piece))
            append(out, PostfixRecord::LinePart, line.substr(0, longest_piece));
        append(out, PostfixRecord::Line, line);
    }
}

// Bits: SMTPUTF8 was asked for; the header or a recipient needs it; the sender needs it.
unsigned smtputf8_flags(const Envelope& envelope, const std::vector<std::size_t>& recipients, const ContentFacts& facts)
{
    const bool needed = facts.utf8_header || std::ranges::any_of(recipients, [&](std::size_t index) {
                            return is_eight_bit(envelope.recipients[index].address);
                        });
    return (envelope.smtputf8 ? 1U : 0U) | (needed ? 2U : 0U) | (is_eight_bit(envelope.sender) ? 4U : 0U);
}

}  // namespace

std::string write_postfix_file(const Envelope& envelope, const std::vector<std::size_t>& recipients,
                               const ContentFacts& facts, std::string_view content, std::int64_t warn_at)
{
    std::string head = about_the_message(envelope, warn_at);
    unsigned notify = 0;
    for (std::size_t index : recipients) {
        append_recipient(head, envelope.recipients[index]);
        notify |= envelope.recipients[index].notify;
    }
    append(head, PostfixRecord::Content, {});

    std::string tail;
    append_content(tail, content);
    const std::size_t size = tail.size();  // as Postfix counts: with its records' types and lengths
    append(tail, PostfixRecord::Extracted, {});
    append_attribute(tail, "encoding", encoding(envelope));
    if (!envelope.filter.empty())
        append(tail, PostfixRecord::Filter, envelope.filter);
    if (!envelope.redirect.empty())
        append(tail, PostfixRecord::Redirect, envelope.redirect);
    append(tail, PostfixRecord::End, {});

    constexpr std::size_t size_record = 2 + 6 * 15 + 5;  // type, length, six numbers of 15 places
    std::string out;
    append(out, PostfixRecord::Size,
           fmt::format("{:15} {:15} {:15} {:15} {:15} {:15}", size, size_record + head.size(), recipients.size(),
                       notify << 1U, size, smtputf8_flags(envelope, recipients, facts)));
    return out + head + tail;
}

std::string write_postfix_submission(const Envelope& envelope, std::string_view content)
{
    std::string out;
    append(out, PostfixRecord::Time, fmt::format("{} {}", envelope.arrival_seconds, envelope.arrival_microseconds));
    append_attribute(out, "envelope_id", envelope.dsn_envid);
    append_attribute(out, "ret_flags", ret_flags(envelope.dsn_return));
    append_attribute(out, "rewrite_context", "local");
    if (!envelope.sender_full_name.empty())
        append(out, PostfixRecord::FullName, envelope.sender_full_name);
    append(out, PostfixRecord::Sender, envelope.sender);
    append_attribute(out, "encoding", encoding(envelope));
    append_attribute(out, "trace_flags", trace_flags(envelope.trace));
    if (!envelope.verp_delimiters.empty())
        append(out, PostfixRecord::Verp, envelope.verp_delimiters);
    for (const Recipient& recipient : envelope.recipients) {
        if (recipient.notify != notify_default)
            append_attribute(out, "notify_flags", std::to_string(recipient.notify));
        append(out, PostfixRecord::Recipient, recipient.address);
    }
    append(out, PostfixRecord::Content, {});
    append_content(out, content);
    append(out, PostfixRecord::Extracted, {});
    append(out, PostfixRecord::End, {});
    return out;
}

}  // namespace posthaste::queue
