// maildrop_file.cc — see maildrop_file.h.
#include "daemon/pickup/maildrop_file.h"

#include "queue/postfix_file.h"

#include <array>
#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

namespace posthaste::pickup {

namespace {

constexpr std::size_t read_size = std::size_t{64} << 10;
constexpr std::size_t largest_postfix_file = std::size_t{1} << 30;

Result<bool> is_postfix(int file)
{
    std::array<char, 1> first{};
    TRY(std::size_t got, read_fully_at(file, first, 0));
    return got == 1 && queue::postfix_kind({first.data(), 1}) != queue::PostfixKind::None;
}

}  // namespace

Result<bool> MaildropFile::read_more()
{
    std::string buffer(read_size, '\0');
    ssize_t count = 0;
    do
        count = ::read(file_.get(), buffer.data(), buffer.size());
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return fail_errno("read");
    reader_.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
    return count > 0;
}

Result<intake::Submission> MaildropFile::envelope()
{
    TRY(bool postfix, is_postfix(file_.get()));
    if (postfix)
        return postfix_envelope();
    for (;;) {
        TRY(bool more, read_more());
        TRY(std::optional<intake::Submission> submission, reader_.envelope());
        if (submission)
            return std::move(*submission);
        if (!more)
            return fail(ErrorKind::Invalid, "no envelope");
    }
}

// Only what a user may say is taken over: of a message that postsuper -r put here, aliases and filters are looked up
// again.
Result<intake::Submission> MaildropFile::postfix_envelope()
{
    struct stat status{};
    if (::fstat(file_.get(), &status) != 0)
        return fail_errno("stat");
    if (static_cast<std::size_t>(status.st_size) > largest_postfix_file)
        return fail(ErrorKind::Limit, "too large");
    postfix_file_.resize(static_cast<std::size_t>(status.st_size));
    TRY(std::size_t got, read_fully_at(file_.get(), postfix_file_, 0));
    postfix_file_.resize(got);
    TRY(queue::PostfixMessage message, queue::read_postfix_file(postfix_file_));
    const queue::Envelope& envelope = message.envelope;
    intake::Submission submission;
    submission.sender = envelope.sender;
    submission.full_name = envelope.sender_full_name;
    submission.envid = envelope.dsn_envid;
    submission.verp_delimiters = envelope.verp_delimiters;
    submission.dsn_return = static_cast<std::uint8_t>(envelope.dsn_return);
    submission.encoding = static_cast<std::uint8_t>(envelope.encoding);
    submission.trace = static_cast<std::uint8_t>(envelope.trace);
    submission.relayed = !envelope.local_rewrite_context;
    for (const queue::Recipient& recipient : envelope.recipients)
        submission.recipients.push_back({.address = recipient.address, .notify = recipient.notify});
    if (submission.recipients.empty())
        return fail(ErrorKind::Invalid, "no recipients");
    return submission;
}

Result<std::optional<std::string_view>> MaildropFile::postfix_piece()
{
    if (!postfix_content_) {
        postfix_content_.emplace();
        TRY(queue::read_postfix_file(postfix_file_, [this](std::string_view piece) -> Result<void> {
            postfix_content_->append(piece);
            return {};
        }));
    }
    std::string_view piece = std::string_view(*postfix_content_).substr(postfix_content_at_, read_size);
    postfix_content_at_ += piece.size();
    if (piece.empty())
        return std::optional<std::string_view>();
    return std::optional(piece);
}

Result<std::optional<std::string_view>> MaildropFile::piece()
{
    if (!postfix_file_.empty())
        return postfix_piece();
    for (;;) {
        TRY(std::optional<std::string_view> piece, reader_.piece());
        if (piece || reader_.complete())
            return piece;
        TRY(bool more, read_more());
        if (!more)
            return fail(ErrorKind::Invalid, "incomplete");
    }
}

}  // namespace posthaste::pickup
