// How a message waits in maildrop/, see maildrop.h.
#include "intake/maildrop.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::intake {

namespace {

// RFC 5321 4.1.2 has no control characters in a path, not even in quotes. One that got through could be taken for the
// end of a line by everything behind: header, SMTP command, mailbox.
bool is_address_text(std::string_view address)
{
    return std::ranges::none_of(address, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

}  // namespace

void fill_envelope(queue::Envelope& envelope, const Submission& submission)
{
    constexpr std::size_t verp_characters = 2;
    constexpr auto highest_trace = static_cast<std::uint8_t>(queue::Trace::Verify);
    envelope.sender = submission.sender;
    envelope.sender_full_name = submission.full_name;
    envelope.dsn_envid = submission.envid;
    envelope.dsn_return = queue::as_dsn_return(submission.dsn_return);
    envelope.encoding = queue::as_body_encoding(submission.encoding);
    envelope.trace = static_cast<queue::Trace>(std::min(submission.trace, highest_trace));
    envelope.verp_delimiters = submission.verp_delimiters.substr(0, verp_characters);
    for (const SubmittedRecipient& given : submission.recipients)
        envelope.recipients.push_back(
            {.address = given.address, .original = {}, .dsn_orcpt = {}, .notify = given.notify});
}

std::string begin_submission(const Submission& submission)
{
    std::string list = ipc::encode(submission);
    std::string out(maildrop_magic);
    out += fmt::format("{}:", list.size());
    out += list;
    out += ',';
    return out;
}

void append_piece(std::string& out, std::string_view content)
{
    while (!content.empty()) {
        std::string_view piece = content.substr(0, max_piece);
        out += fmt::format("{}:", piece.size());
        out += piece;
        out += ',';
        content.remove_prefix(piece.size());
    }
}

Result<std::optional<Submission>> SubmissionReader::envelope()
{
    if (!magic_seen_) {
        if (buffer_.size() < maildrop_magic.size())
            return std::optional<Submission>();
        if (!buffer_.starts_with(maildrop_magic))
            return fail(ErrorKind::Invalid, "not a maildrop file of this mail system");
        at_ = maildrop_magic.size();
        magic_seen_ = true;
    }
    TRY(std::optional<std::string_view> list, netstring(max_envelope));
    if (!list)
        return std::optional<Submission>();
    TRY(Submission submission, ipc::decode<Submission>(*list));
    if (!is_address_text(submission.sender) || !std::ranges::all_of(submission.recipients, [](const auto& recipient) {
            return is_address_text(recipient.address);
        }))
        return fail(ErrorKind::Invalid, "control character in an address");
    return std::optional<Submission>(std::move(submission));
}

Result<std::optional<std::string_view>> SubmissionReader::piece()
{
    if (complete_)
        return std::optional<std::string_view>();
    TRY(std::optional<std::string_view> content, netstring(max_piece));
    if (content && content->empty()) {
        complete_ = true;
        if (at_ != buffer_.size())
            return fail(ErrorKind::Invalid, "something follows the end of the message");
        return std::optional<std::string_view>();
    }
    return content;
}

Result<std::optional<std::string_view>> SubmissionReader::netstring(std::size_t limit)
{
    // What has been handed out before may go now.
    if (at_ >= buffer_.size()) {
        buffer_.clear();
        at_ = 0;
    } else if (at_ > max_piece) {
        buffer_.erase(0, at_);
        at_ = 0;
    }
    std::string_view rest = std::string_view(buffer_).substr(at_);
    constexpr std::size_t most_digits = 9;
    std::size_t colon = rest.substr(0, most_digits + 1).find(':');
    if (colon == std::string_view::npos) {
        if (rest.size() > most_digits)
            return fail(ErrorKind::Invalid, "a piece without length");
        return std::optional<std::string_view>();
    }
    auto length = parse_number<std::size_t>(rest.substr(0, colon));
    if (!length || *length > limit)
        return fail(ErrorKind::Invalid, "a piece with a bad length");
    if (rest.size() < colon + 1 + *length + 1)
        return std::optional<std::string_view>();
    if (rest[colon + 1 + *length] != ',')
        return fail(ErrorKind::Invalid, "a piece without end");
    at_ += colon + 1 + *length + 1;
    return std::optional(rest.substr(colon + 1, *length));
}

}  // namespace posthaste::intake
