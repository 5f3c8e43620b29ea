// postfix_file.cc — reading; see postfix_file.h. Writing is in postfix_writer.cc.
#include "queue/postfix_file.h"

#include "base/text.h"
#include "queue/layout.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <span>

namespace posthaste::queue {

namespace {

std::unexpected<Error> damaged(std::uint64_t offset, std::string_view what)
{
    return fail(ErrorKind::Corrupt, fmt::format("damaged Postfix queue file: {} at byte {}", what, offset));
}

struct Record {
    PostfixRecord type;
    std::string_view data;
    std::uint64_t offset;
};

// The records in the order that pointers give them. Padding and void records are left out.
class Records {
public:
    explicit Records(std::string_view file) : file_(file) {}

    Result<Record> next()
    {
        for (;;) {
            TRY(Record record, read());
            switch (record.type) {
            case PostfixRecord::Padding:
            case PostfixRecord::Killed: break;
            case PostfixRecord::Pointer: TRY(follow(record)); break;
            default: return record;
            }
        }
    }
    // Where the record after the last one begins.
    [[nodiscard]] std::uint64_t position() const { return at_; }

private:
    Result<Record> read()
    {
        const std::size_t start = at_;
        if (start >= file_.size())
            return damaged(start, "no end record");
        const char type = file_[at_++];
        // Seven bits a byte, the lowest first.
        constexpr unsigned most_bits = 28;
        std::size_t length = 0;
        for (unsigned shift = 0;; shift += 7) {
            if (at_ == file_.size() || shift > most_bits)
                return damaged(start, "a record without length");
            const auto byte = static_cast<unsigned char>(file_[at_++]);
            length |= static_cast<std::size_t>(byte & 0x7fU) << shift;
            if ((byte & 0x80U) == 0)
                break;
        }
        if (length > file_.size() - at_)
            return damaged(start, "a record that is cut off");
        Record record{static_cast<PostfixRecord>(type), file_.substr(at_, length), start};
        at_ += length;
        // No record counts twice: more bytes than there are means that pointers go in circles.
        seen_ += at_ - start;
        if (seen_ > file_.size())
            return damaged(start, "pointers in circles");
        return record;
    }

    Result<void> follow(const Record& pointer)
    {
        auto target = parse_number<std::uint64_t>(trim(pointer.data));
        if (!target || *target >= file_.size())
            return damaged(pointer.offset, "a pointer to nowhere");
        if (*target != 0)
            at_ = *target;
        return {};
    }

    std::string_view file_;
    std::size_t at_ = 0;
    std::size_t seen_ = 0;
};

// Turns lines into wire form, hands them on in larger pieces and notes the facts.
class Content {
public:
    explicit Content(const ContentSink& sink) : sink_(sink) {}

    Result<void> add(std::string_view text)
    {
        if (line_length_ == 0 && text.starts_with('.'))
            facts_.dot_lines = true;
        if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; })) {
            facts_.eight_bit = true;
            facts_.utf8_header = facts_.utf8_header || in_header_;
        }
        if (in_header_ && line_length_ == 0)
            header_line(text);
        line_length_ += text.size();
        line_is_open_ = true;
        return put(text);
    }
    Result<void> end_line()
    {
        facts_.longest_line = std::max(facts_.longest_line, static_cast<std::uint32_t>(line_length_));
        facts_.long_line_size += ContentFacts::record_excess(line_length_);
        ++facts_.lines;
        TRY(put("\r\n"));
        if (in_header_ && line_length_ == 0)
            end_header();
        line_length_ = 0;
        line_is_open_ = false;
        return {};
    }
    Result<void> finish()
    {
        if (line_is_open_)
            TRY(end_line());
        if (in_header_)
            end_header();
        if (sink_ && !pending_.empty())
            return sink_(pending_);
        return {};
    }

    [[nodiscard]] const ContentFacts& facts() const { return facts_; }
    [[nodiscard]] std::uint32_t hop_count() const { return hop_count_; }
    [[nodiscard]] const std::string& message_id() const { return message_id_; }

private:
    void header_line(std::string_view text)
    {
        constexpr std::string_view id_name = "message-id:";
        if (starts_with_ignoring_case(text, "received:"))
            ++hop_count_;
        else if (message_id_.empty() && starts_with_ignoring_case(text, id_name))
            message_id_ = trim(text.substr(id_name.size()));
    }
    void end_header()
    {
        in_header_ = false;
        facts_.header_size = facts_.size;
    }
    Result<void> put(std::string_view bytes)
    {
        constexpr std::size_t piece = std::size_t{64} << 10;
        facts_.size += bytes.size();
        if (!sink_)
            return {};
        pending_ += bytes;
        if (pending_.size() < piece)
            return {};
        auto given = sink_(pending_);
        pending_.clear();
        return given;
    }

    const ContentSink& sink_;
    ContentFacts facts_;
    std::string pending_;
    std::string message_id_;
    std::size_t line_length_ = 0;
    std::uint32_t hop_count_ = 0;
    bool line_is_open_ = false;
    bool in_header_ = true;
};

// trace_flags, as observed.
constexpr unsigned trace_probe = 256;    // verify(8)
constexpr unsigned trace_verify = 512;   // sendmail -bv
constexpr unsigned trace_report = 1024;  // sendmail -v

Trace trace_of(unsigned flags)
{
    if ((flags & trace_probe) != 0)
        return Trace::AddressProbe;
    if ((flags & trace_verify) != 0)
        return Trace::Verify;
    return (flags & trace_report) != 0 ? Trace::Report : Trace::None;
}

// Attributes of the client that are kept as they are. The log_ ones are of the client that a proxy in front of this
// system told of (XFORWARD); they win.
struct ClientAttribute {
    std::string_view name;
    std::string Client::* member;
};
constexpr std::array logged_client{
    ClientAttribute{"log_client_name", &Client::name},       ClientAttribute{"log_client_address", &Client::address},
    ClientAttribute{"log_client_port", &Client::port},       ClientAttribute{"log_helo_name", &Client::helo},
    ClientAttribute{"log_protocol_name", &Client::protocol}, ClientAttribute{"log_ident", &Client::ident},
};
constexpr std::array direct_client{
    ClientAttribute{"client_name", &Client::name},
    ClientAttribute{"client_address", &Client::address},
    ClientAttribute{"client_port", &Client::port},
    ClientAttribute{"helo_name", &Client::helo},
    ClientAttribute{"protocol_name", &Client::protocol},
    ClientAttribute{"reverse_client_name", &Client::reverse_name},
    ClientAttribute{"server_address", &Client::server_address},
    ClientAttribute{"server_port", &Client::server_port},
    ClientAttribute{"sasl_method", &Client::sasl_method},
    ClientAttribute{"sasl_username", &Client::sasl_username},
    ClientAttribute{"sasl_sender", &Client::sasl_sender},
};

bool set_from(std::span<const ClientAttribute> known, std::string_view name, std::string_view value, Client& client)
{
    auto attribute = std::ranges::find(known, name, &ClientAttribute::name);
    if (attribute == known.end())
        return false;
    client.*(attribute->member) = value;
    return true;
}

class Reader {
public:
    Reader(std::string_view file, const ContentSink& sink) : records_(file), content_(sink)
    {
        message_.kind = postfix_kind(file);
    }

    Result<PostfixMessage> read()
    {
        if (message_.kind == PostfixKind::None)
            return damaged(0, "a record of unknown type");
        TRY(read_envelope());
        TRY(read_content());
        TRY(read_extracted());
        if (!has_sender_)
            return damaged(0, "no sender");
        finish();
        return std::move(message_);
    }

private:
    Result<void> read_envelope();
    Result<void> read_content();
    Result<void> read_extracted();
    Result<void> envelope_record(const Record& record);
    static Result<void> address(const Record& record, std::string& out);
    Result<void> recipient(const Record& record);
    Result<void> size(const Record& record);
    Result<void> arrival(const Record& record);
    void attribute(std::string_view name, std::string_view value);
    void message_attribute(std::string_view name, std::string_view value);
    void finish();

    Records records_;
    Content content_;
    PostfixMessage message_;
    Client logged_;
    Client direct_;
    Recipient pending_;  // what was said so far of the recipient that comes next
    std::optional<std::uint64_t> content_offset_;
    std::string message_origin_;
    bool has_sender_ = false;
};

Result<void> Reader::read_envelope()
{
    for (bool first = true;; first = false) {
        TRY(Record record, records_.next());
        if (record.type == PostfixRecord::Content) {
            message_.content_offset = records_.position();
            if (content_offset_ && *content_offset_ != records_.position())
                return damaged(record.offset, "content that is not where it should be");
            return {};
        }
        TRY(record.type == PostfixRecord::Size && first ? size(record) : envelope_record(record));
    }
}

Result<void> Reader::read_content()
{
    for (;;) {
        TRY(Record record, records_.next());
        if (record.type == PostfixRecord::Extracted)
            return content_.finish();
        if (record.type != PostfixRecord::Line && record.type != PostfixRecord::LinePart)
            return damaged(record.offset, "a record that is no line of the content");
        if (record.data.contains('\n'))
            return damaged(record.offset, "a line end inside of a line");
        TRY(content_.add(record.data));
        if (record.type == PostfixRecord::Line)
            TRY(content_.end_line());
    }
}

Result<void> Reader::read_extracted()
{
    for (;;) {
        TRY(Record record, records_.next());
        if (record.type == PostfixRecord::End)
            return {};
        TRY(envelope_record(record));
    }
}

Result<void> Reader::envelope_record(const Record& record)
{
    switch (record.type) {
    case PostfixRecord::Time: return arrival(record);
    case PostfixRecord::Attribute: {
        const std::size_t equals = record.data.find('=');
        if (equals == std::string_view::npos)
            return damaged(record.offset, "an attribute without value");
        attribute(record.data.substr(0, equals), record.data.substr(equals + 1));
        return {};
    }
    case PostfixRecord::FullName: message_.envelope.sender_full_name = record.data; return {};
    case PostfixRecord::Sender: has_sender_ = true; return address(record, message_.envelope.sender);
    case PostfixRecord::Filter: message_.envelope.filter = record.data; return {};
    case PostfixRecord::Redirect: return address(record, message_.envelope.redirect);
    case PostfixRecord::Verp: message_.envelope.verp_delimiters = record.data; return {};
    case PostfixRecord::WarnTime: return {};  // computed again from the arrival time
    case PostfixRecord::Original: pending_.original = record.data; return {};
    case PostfixRecord::Recipient:
    case PostfixRecord::Done:
    case PostfixRecord::Canceled: return recipient(record);
    default: return damaged(record.offset, "a record of unknown type");
    }
}

// Addresses go into log lines and protocols.
Result<void> Reader::address(const Record& record, std::string& out)
{
    if (record.data.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos)
        return damaged(record.offset, "an address with control characters");
    out = record.data;
    return {};
}

Result<void> Reader::recipient(const Record& record)
{
    if (message_.envelope.recipients.size() + message_.done.size() >= max_recipients)
        return damaged(record.offset, "too many recipients");
    Recipient complete = std::exchange(pending_, {});
    TRY(address(record, complete.address));
    if (complete.original == complete.address)
        complete.original.clear();
    if (record.type == PostfixRecord::Recipient)
        message_.envelope.recipients.push_back(std::move(complete));
    else if (record.type == PostfixRecord::Done)
        message_.done.push_back({std::move(complete), record.offset});
    return {};
}

// "size  offset of the content  recipients  flags  size of the content  SMTPUTF8 flags"; older systems wrote fewer.
Result<void> Reader::size(const Record& record)
{
    const auto fields = split(record.data, " ");
    constexpr std::size_t fewest = 2;
    constexpr std::size_t smtputf8_field = 5;
    constexpr unsigned smtputf8_requested = 1;
    if (fields.size() < fewest)
        return damaged(record.offset, "a size record without sizes");
    content_offset_ = parse_number<std::uint64_t>(fields[1]);
    if (!content_offset_)
        return damaged(record.offset, "a size record without sizes");
    if (fields.size() > smtputf8_field)
        message_.envelope.smtputf8 =
            (parse_number<unsigned>(fields[smtputf8_field]).value_or(0) & smtputf8_requested) != 0;
    return {};
}

Result<void> Reader::arrival(const Record& record)
{
    const auto fields = split(record.data, " ");
    const auto seconds = fields.empty() ? std::nullopt : parse_number<std::int64_t>(fields[0]);
    if (!seconds)
        return damaged(record.offset, "a time that is no number");
    message_.envelope.arrival_seconds = *seconds;
    constexpr std::uint32_t million = 1'000'000;
    if (fields.size() > 1)
        message_.envelope.arrival_microseconds = parse_number<std::uint32_t>(fields[1]).value_or(0) % million;
    return {};
}

// Attributes that are not known are passed over, as Postfix does.
void Reader::attribute(std::string_view name, std::string_view value)
{
    if (set_from(logged_client, name, value, logged_) || set_from(direct_client, name, value, direct_))
        return;
    if (name == "notify_flags") {
        constexpr unsigned all = notify_never | notify_success | notify_failure | notify_delay;
        pending_.notify = static_cast<std::uint8_t>(parse_number<unsigned>(value).value_or(0) & all);
    } else if (name == "dsn_orig_rcpt") {
        pending_.dsn_orcpt = value;
    } else {
        message_attribute(name, value);
    }
}

void Reader::message_attribute(std::string_view name, std::string_view value)
{
    Envelope& envelope = message_.envelope;
    if (name == "envelope_id")
        envelope.dsn_envid = value;
    else if (name == "ret_flags")
        envelope.dsn_return = value == "1" ? DsnReturn::Full : value == "2" ? DsnReturn::Headers : DsnReturn::Unset;
    else if (name == "encoding")
        envelope.encoding = equal_ignoring_case(value, "8bit") ? BodyEncoding::EightBit : BodyEncoding::SevenBit;
    else if (name == "rewrite_context")
        envelope.local_rewrite_context = value != "remote";
    else if (name == "trace_flags")
        envelope.trace = trace_of(parse_number<unsigned>(value).value_or(0));
    else if (name == "log_message_origin")
        message_origin_ = value;
}

void Reader::finish()
{
    Envelope& envelope = message_.envelope;
    envelope.client = direct_;
    for (const ClientAttribute& attribute : logged_client)
        if (!(logged_.*(attribute.member)).empty())
            envelope.client.*(attribute.member) = std::move(logged_.*(attribute.member));
    if (envelope.trace == Trace::AddressProbe)
        envelope.origin = Origin::Verify;
    else if (message_origin_ == "local")
        envelope.origin = Origin::Bounce;
    else if (envelope.client.name.empty())
        envelope.origin = Origin::Sendmail;
    else
        envelope.origin = direct_.name.empty() ? Origin::Forward : Origin::Smtpd;
    message_.facts = content_.facts();
    envelope.hop_count = content_.hop_count();
    envelope.message_id = content_.message_id();
    // access(5) REDIRECT: one address instead of all recipients, however many are left.
    if (!envelope.redirect.empty() && !envelope.recipients.empty()) {
        envelope.recipients.resize(1);
        envelope.recipients.front().address = envelope.redirect;
    }
}

}  // namespace

PostfixKind postfix_kind(std::string_view beginning)
{
    if (beginning.starts_with(static_cast<char>(PostfixRecord::Size)))
        return PostfixKind::QueueFile;
    return beginning.starts_with(static_cast<char>(PostfixRecord::Time)) ? PostfixKind::Submission : PostfixKind::None;
}

Result<PostfixMessage> read_postfix_file(std::string_view file, const ContentSink& sink)
{
    return Reader(file, sink).read();
}

}  // namespace posthaste::queue
