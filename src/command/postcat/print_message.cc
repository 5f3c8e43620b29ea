// print_message.cc — see print_message.h.
#include "command/postcat/print_message.h"

#include "queue/marks.h"

#include <array>
#include <ctime>
#include <fmt/format.h>
#include <string_view>
#include <sys/socket.h>

namespace posthaste::command::postcat {

namespace {

// postcat -d prints the record type as a number: the letters of Postfix's record types.
enum class Record : char {
    Size = 'C',
    Time = 'T',
    Attribute = 'A',
    SenderName = 'F',
    Sender = 'S',
    Filter = 'L',
    Redirect = '>',
    Verp = 'V',
    Original = 'O',
    Recipient = 'R',
    Done = 'D',
    Content = 'M',
    Text = 'N',
    Extracted = 'X',
    End = 'E',
};

class Printer {
public:
    Printer(const FoundMessage& message, const Style& style) : message_(message), style_(style) {}

    std::string print()
    {
        if (style_.envelope) {
            if (style_.skip_to == 0) {
                out_ += fmt::format("*** ENVELOPE RECORDS {} ***\n", message_.place);
                envelope();
            }
            line(Record::Content, message_.content_offset, fmt::format("*** MESSAGE CONTENTS {} ***", message_.place));
        }
        content();
        if (style_.envelope) {
            const std::uint64_t end = message_.offset_of(message_.content.size());
            line(Record::Extracted, end, fmt::format("*** HEADER EXTRACTED {} ***", message_.place));
            line(Record::End, end, fmt::format("*** MESSAGE FILE END {} ***", message_.place));
        }
        return std::move(out_);
    }

private:
    void line(Record type, std::uint64_t offset, std::string_view text)
    {
        if (offset < style_.skip_to)
            return;
        if (style_.offsets)
            out_ += fmt::format("{:9} ", offset);
        if (style_.record_types)
            out_ += fmt::format("{:3} ", static_cast<int>(type));
        out_.append(text).push_back('\n');
    }
    void record(Record type, std::string_view name, std::string_view value)
    {
        line(type, record_offset_, fmt::format("{}: {}", name, value));
    }
    // Like record(), unless there is nothing to say.
    void optional_record(Record type, std::string_view name, std::string_view value)
    {
        if (!value.empty())
            record(type, name, value);
    }
    void attribute(std::string_view name, std::string_view value)
    {
        if (!value.empty())
            line(Record::Attribute, record_offset_, fmt::format("named_attribute: {}={}", name, value));
    }

    void envelope()
    {
        const queue::Envelope& envelope = message_.envelope;
        record_offset_ = message_.envelope_offset;
        const std::uint64_t size = message_.facts.logged_size();
        record(Record::Size, "message_size",
               fmt::format("{:15} {:15} {:15} {:15} {:15} {:15}", size, message_.content_offset,
                           envelope.recipients.size(), 0, size, envelope.smtputf8 ? 1 : 0));
        record(Record::Time, "message_arrival_time", arrival_time());
        record(Record::Attribute, "create_time", arrival_time());
        optional_record(Record::Filter, "content_filter", envelope.filter);
        optional_record(Record::Redirect, "redirect_to", envelope.redirect);
        optional_record(Record::Verp, "verp_delimiters", envelope.verp_delimiters);
        attribute("log_ident", envelope.queue_id);
        attribute("rewrite_context", envelope.local_rewrite_context ? "local" : "remote");
        attribute("envelope_id", envelope.dsn_envid);
        if (envelope.dsn_return != queue::DsnReturn::Unset)
            attribute("ret_flags", envelope.dsn_return == queue::DsnReturn::Full ? "1" : "2");
        optional_record(Record::SenderName, "sender_fullname", envelope.sender_full_name);
        record(Record::Sender, "sender", envelope.sender);
        if (envelope.encoding == queue::BodyEncoding::EightBit)
            attribute("encoding", "8bit");
        client(envelope.client);
        recipients();
    }

    [[nodiscard]] std::string arrival_time() const
    {
        auto when = static_cast<time_t>(message_.envelope.arrival_seconds);
        tm local{};
        ::localtime_r(&when, &local);
        std::array<char, 64> text{};
        return {text.data(), std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &local)};
    }

    void client(const queue::Client& client)
    {
        attribute("log_client_name", client.name);
        attribute("log_client_address", client.address);
        attribute("log_client_port", client.port);
        if (!client.name.empty())
            attribute("log_message_origin", fmt::format("{}[{}]", client.name, client.address));
        attribute("log_helo_name", client.helo);
        attribute("log_protocol_name", client.protocol);
        attribute("client_name", client.name);
        attribute("reverse_client_name", client.reverse_name);
        attribute("client_address", client.address);
        attribute("client_port", client.port);
        attribute("server_address", client.server_address);
        attribute("server_port", client.server_port);
        attribute("helo_name", client.helo);
        attribute("protocol_name", client.protocol);
        if (!client.address.empty())
            attribute("client_address_type",
                      std::to_string(client.address.find(':') == std::string::npos ? AF_INET : AF_INET6));
        attribute("sasl_method", client.sasl_method);
        attribute("sasl_username", client.sasl_username);
        attribute("sasl_sender", client.sasl_sender);
    }

    void recipients()
    {
        for (std::size_t i = 0; i < message_.envelope.recipients.size(); ++i) {
            const queue::Recipient& recipient = message_.envelope.recipients[i];
            if (message_.marks_offset != 0)
                record_offset_ = message_.marks_offset + i;
            if (recipient.notify != queue::notify_default)
                attribute("notify_flags", std::to_string(recipient.notify));
            attribute("dsn_orig_rcpt", recipient.dsn_orcpt);
            record(Record::Original, "original_recipient", recipient.original_address());
            const bool todo = i < message_.recipient_marks.size() &&
                              message_.recipient_marks[i] == static_cast<char>(queue::RecipientMark::Todo);
            record(todo ? Record::Recipient : Record::Done, todo ? "recipient" : "done_recipient", recipient.address);
        }
    }

    // The empty line belongs to the body, as postcat -b and -h show it.
    void content()
    {
        std::string_view rest = message_.content;
        std::uint64_t position = 0;
        bool in_header = true;
        while (!rest.empty()) {
            const std::size_t end = rest.find('\n');
            const std::size_t length = end == std::string_view::npos ? rest.size() : end + 1;
            std::string_view text = rest.substr(0, length);
            if (text.ends_with('\n'))
                text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
            in_header = in_header && !text.empty();
            if (in_header ? style_.header : style_.body)
                line(Record::Text, message_.offset_of(position),
                     style_.text_names ? fmt::format("regular_text: {}", text) : std::string(text));
            rest.remove_prefix(length);
            position += length;
        }
    }

    const FoundMessage& message_;
    const Style& style_;
    std::string out_;
    std::uint64_t record_offset_ = 0;  // the envelope lies in one piece; each recipient has a mark of its own
};

}  // namespace

std::string print_message(const FoundMessage& message, const Style& style) { return Printer(message, style).print(); }

}  // namespace posthaste::command::postcat
