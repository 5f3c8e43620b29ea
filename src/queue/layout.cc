// layout.cc — the envelope encoding. One list of fields serves writing and reading.
#include "queue/layout.h"

#include <fmt/format.h>
#include <utility>
#include <xxhash.h>

namespace posthaste::queue {

std::unexpected<Error> newer_release(const std::string& path, std::uint32_t version)
{
    return fail(ErrorKind::Unsupported,
                fmt::format("{}: written by a newer release of this mail system, in format {}, while this one reads "
                            "format {}: it is left as it is; install that release again",
                            path, version, format_version));
}

std::uint64_t hash_of(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

namespace {

// Tags are part of the format: a number is never given a second meaning.
enum class Tag : std::uint8_t {
    QueueId = 1,
    ArrivalSeconds = 2,
    ArrivalMicroseconds = 3,
    Sender = 4,
    SenderFullName = 5,
    Recipient = 6,
    DsnEnvid = 7,
    DsnReturn = 8,
    Encoding = 9,
    SmtpUtf8 = 10,
    Trace = 11,
    Origin = 12,
    LocalRewriteContext = 13,
    Filter = 14,
    Redirect = 15,
    VerpDelimiters = 16,
    HopCount = 17,
    MessageId = 18,
    ClientName = 20,
    ClientAddress = 21,
    ClientPort = 22,
    ClientHelo = 23,
    ClientProtocol = 24,
    ClientIdent = 25,
    ClientReverseName = 26,
    ServerAddress = 27,
    ServerPort = 28,
    SaslMethod = 29,
    SaslUsername = 30,
    SaslSender = 31,
    FactSize = 40,
    FactLines = 41,
    FactHeaderSize = 42,
    FactLongestLine = 43,
    FactFlags = 44,
    FactLongLineSize = 45,
    // inside a Recipient record
    RecipientAddress = 1,
    RecipientOriginal = 2,
    RecipientOrcpt = 3,
    RecipientNotify = 4,
};

void put_varint(std::string& out, std::uint64_t value)
{
    while (value >= 0x80) {
        out.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<char>(value));
}

bool take_varint(std::string_view& bytes, std::uint64_t& value)
{
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (bytes.empty())
            return false;
        auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

// Writes records; a field that has its default value is left out.
class Encoder {
public:
    explicit Encoder(std::string& out) : out_(&out) {}

    void field(Tag tag, const std::string& value)
    {
        if (!value.empty())
            record(tag, value);
    }
    template<class Number>
        requires std::is_integral_v<Number> || std::is_enum_v<Number>
    void field(Tag tag, const Number& value)
    {
        if (value == Number{})
            return;
        std::string digits;
        put_varint(digits, static_cast<std::uint64_t>(value));
        record(tag, digits);
    }
    void record(Tag tag, std::string_view value)
    {
        out_->push_back(static_cast<char>(tag));
        put_varint(*out_, value.size());
        out_->append(value);
    }

private:
    std::string* out_;
};

// Reads one record into the field with its tag.
class Decoder {
public:
    Decoder(Tag tag, std::string_view value) : tag_(tag), value_(value) {}

    void field(Tag tag, std::string& target)
    {
        if (tag == tag_)
            target = value_;
    }
    template<class Number>
        requires std::is_integral_v<Number> || std::is_enum_v<Number>
    void field(Tag tag, Number& target)
    {
        if (tag != tag_)
            return;
        std::uint64_t number = 0;
        std::string_view rest = value_;
        if (take_varint(rest, number) && rest.empty())
            target = static_cast<Number>(number);
        else
            broken_ = true;
    }
    [[nodiscard]] bool broken() const { return broken_; }

private:
    Tag tag_;
    std::string_view value_;
    bool broken_ = false;
};

// The fields of a recipient and of an envelope, once for both directions.
void visit(auto& coder, auto& recipient)
{
    coder.field(Tag::RecipientAddress, recipient.address);
    coder.field(Tag::RecipientOriginal, recipient.original);
    coder.field(Tag::RecipientOrcpt, recipient.dsn_orcpt);
    coder.field(Tag::RecipientNotify, recipient.notify);
}

void visit_envelope(auto& coder, auto& envelope)
{
    coder.field(Tag::QueueId, envelope.queue_id);
    coder.field(Tag::ArrivalSeconds, envelope.arrival_seconds);
    coder.field(Tag::ArrivalMicroseconds, envelope.arrival_microseconds);
    coder.field(Tag::Sender, envelope.sender);
    coder.field(Tag::SenderFullName, envelope.sender_full_name);
    coder.field(Tag::DsnEnvid, envelope.dsn_envid);
    coder.field(Tag::DsnReturn, envelope.dsn_return);
    coder.field(Tag::Encoding, envelope.encoding);
    coder.field(Tag::SmtpUtf8, envelope.smtputf8);
    coder.field(Tag::Trace, envelope.trace);
    coder.field(Tag::Origin, envelope.origin);
    coder.field(Tag::LocalRewriteContext, envelope.local_rewrite_context);
    coder.field(Tag::Filter, envelope.filter);
    coder.field(Tag::Redirect, envelope.redirect);
    coder.field(Tag::VerpDelimiters, envelope.verp_delimiters);
    coder.field(Tag::HopCount, envelope.hop_count);
    coder.field(Tag::MessageId, envelope.message_id);
    coder.field(Tag::ClientName, envelope.client.name);
    coder.field(Tag::ClientAddress, envelope.client.address);
    coder.field(Tag::ClientPort, envelope.client.port);
    coder.field(Tag::ClientHelo, envelope.client.helo);
    coder.field(Tag::ClientProtocol, envelope.client.protocol);
    coder.field(Tag::ClientIdent, envelope.client.ident);
    coder.field(Tag::ClientReverseName, envelope.client.reverse_name);
    coder.field(Tag::ServerAddress, envelope.client.server_address);
    coder.field(Tag::ServerPort, envelope.client.server_port);
    coder.field(Tag::SaslMethod, envelope.client.sasl_method);
    coder.field(Tag::SaslUsername, envelope.client.sasl_username);
    coder.field(Tag::SaslSender, envelope.client.sasl_sender);
}

enum FactFlag : std::uint8_t { flag_dot_lines = 1, flag_eight_bit = 2, flag_utf8_header = 4 };

void visit_facts(auto& coder, auto& facts, auto& flags)
{
    coder.field(Tag::FactSize, facts.size);
    coder.field(Tag::FactLines, facts.lines);
    coder.field(Tag::FactHeaderSize, facts.header_size);
    coder.field(Tag::FactLongestLine, facts.longest_line);
    coder.field(Tag::FactFlags, flags);
    coder.field(Tag::FactLongLineSize, facts.long_line_size);
}

std::unexpected<Error> corrupt() { return fail(ErrorKind::Corrupt, "envelope breaks its format"); }

// Calls function(tag, value) for each record; false if the bytes break the format.
bool for_each_record(std::string_view bytes, auto function)
{
    while (!bytes.empty()) {
        auto tag = static_cast<Tag>(bytes.front());
        bytes.remove_prefix(1);
        std::uint64_t length = 0;
        if (!take_varint(bytes, length) || length > bytes.size())
            return false;
        if (!function(tag, bytes.substr(0, length)))
            return false;
        bytes.remove_prefix(length);
    }
    return true;
}

}  // namespace

std::string encode_envelope(const Envelope& envelope, const ContentFacts& facts)
{
    std::string out;
    out.reserve(256 + envelope.recipients.size() * 48);
    Encoder encoder(out);
    visit_envelope(encoder, envelope);
    std::uint8_t flags =
        static_cast<std::uint8_t>((facts.dot_lines ? flag_dot_lines : 0) | (facts.eight_bit ? flag_eight_bit : 0) |
                                  (facts.utf8_header ? flag_utf8_header : 0));
    visit_facts(encoder, facts, flags);
    // False is the value that is written: true is the default that decoding starts from.
    if (!envelope.local_rewrite_context)
        encoder.record(Tag::LocalRewriteContext, std::string_view("\0", 1));
    std::string inner;
    for (const Recipient& recipient : envelope.recipients) {
        inner.clear();
        Encoder recipient_encoder(inner);
        visit(recipient_encoder, recipient);
        encoder.record(Tag::Recipient, inner);
    }
    return out;
}

namespace {

bool decode_recipient(std::string_view bytes, Recipient& recipient)
{
    return for_each_record(bytes, [&](Tag tag, std::string_view value) {
        Decoder decoder(tag, value);
        visit(decoder, recipient);
        return !decoder.broken();
    });
}

}  // namespace

Result<StoredEnvelope> decode_envelope(std::string_view bytes, std::size_t most_recipients)
{
    StoredEnvelope stored;
    std::uint8_t flags = 0;
    std::size_t offset = 0;  // of the record
    bool good = for_each_record(bytes, [&](Tag tag, std::string_view value) {
        const std::size_t begin = std::exchange(offset, static_cast<std::size_t>(value.end() - bytes.begin()));
        if (tag == Tag::Recipient) {
            const std::size_t index = stored.recipient_count++;
            if (index < most_recipients)
                return index < max_recipients && decode_recipient(value, stored.envelope.recipients.emplace_back());
            if (index == most_recipients)
                stored.unread = {.index = index, .offset = begin};
            return index < max_recipients;
        }
        Decoder decoder(tag, value);
        visit_envelope(decoder, stored.envelope);
        visit_facts(decoder, stored.facts, flags);
        return !decoder.broken();
    });
    if (!good)
        return corrupt();
    if (stored.recipient_count <= most_recipients)
        stored.unread = {.index = stored.recipient_count, .offset = bytes.size()};
    stored.facts.dot_lines = (flags & flag_dot_lines) != 0;
    stored.facts.eight_bit = (flags & flag_eight_bit) != 0;
    stored.facts.utf8_header = (flags & flag_utf8_header) != 0;
    return stored;
}

Result<std::vector<Recipient>> decode_recipients(std::string_view bytes, RecipientPosition& position, std::size_t most)
{
    std::vector<Recipient> recipients;
    if (position.offset > bytes.size())
        return corrupt();
    bool broken = false;
    const std::string_view rest = bytes.substr(position.offset);
    std::size_t offset = position.offset;
    // Ends early when there are enough.
    const bool all = for_each_record(rest, [&](Tag tag, std::string_view value) {
        if (tag == Tag::Recipient) {
            if (recipients.size() == most)
                return false;
            broken = !decode_recipient(value, recipients.emplace_back());
        }
        offset = static_cast<std::size_t>(value.end() - bytes.begin());
        return !broken;
    });
    if (broken || (!all && recipients.size() < most))
        return corrupt();
    position = {.index = position.index + recipients.size(), .offset = offset};
    return recipients;
}

}  // namespace posthaste::queue
