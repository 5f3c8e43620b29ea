// Standard input as a message, see message_input.h.
#include "command/sendmail/message_input.h"

#include "base/text.h"
#include "command/sendmail/recipients.h"
#include "intake/header_kind.h"
#include "mime/header_scanner.h"

#include <cerrno>
#include <unistd.h>

namespace posthaste::command::sendmail {

namespace {

bool is_recipient_header(intake::HeaderKind kind, bool resent)
{
    using enum intake::HeaderKind;
    return resent ? kind == ResentTo || kind == ResentCc || kind == ResentBcc : kind == To || kind == Cc || kind == Bcc;
}

// Calls back with each header, its continuation lines included.
void for_each_header(std::string_view header, const std::function<void(intake::HeaderKind, std::string_view)>& callback)
{
    while (!header.empty()) {
        std::size_t end = 0;
        do {
            std::size_t line_end = header.find("\r\n", end);
            end = line_end == std::string_view::npos ? header.size() : line_end + 2;
        } while (end < header.size() && (header[end] == ' ' || header[end] == '\t'));
        std::string_view one = header.substr(0, end);
        header.remove_prefix(end);
        if (std::size_t name_length = mime::header_name_length(one); name_length != 0)
            callback(intake::header_kind(one.substr(0, name_length)), one.substr(one.find(':') + 1));
    }
}

}  // namespace

std::vector<std::string> header_recipients(std::string_view header)
{
    bool resent = false;
    for_each_header(header,
                    [&](intake::HeaderKind kind, std::string_view) { resent = resent || intake::is_resent(kind); });
    std::vector<std::string> found;
    for_each_header(header, [&](intake::HeaderKind kind, std::string_view value) {
        if (!is_recipient_header(kind, resent))
            return;
        for (std::string& address : listed_recipients(value))
            found.push_back(std::move(address));
    });
    return found;
}

Result<bool> MessageInput::fill()
{
    buffer_.erase(0, at_);
    at_ = 0;
    std::size_t size = buffer_.size();
    buffer_.resize(size + (std::size_t{64} << 10));
    ssize_t count = 0;
    do
        count = ::read(fd_, buffer_.data() + size, buffer_.size() - size);
    while (count < 0 && errno == EINTR);
    buffer_.resize(size + static_cast<std::size_t>(count < 0 ? 0 : count));
    if (count < 0)
        return fail_errno("read standard input");
    return count > 0;
}

Result<bool> MessageInput::next_line(std::string_view& line)
{
    std::size_t searched = at_;
    while (!ended_) {
        std::size_t end = buffer_.find('\n', searched);
        if (end != std::string::npos || buffer_.size() - at_ >= most_line) {
            bool whole = end != std::string::npos;
            line = std::string_view(buffer_).substr(at_, whole ? end - at_ : most_line);
            at_ += line.size() + (whole ? 1 : 0);
            fix_end(line);
            return !(ended_ = dot_ends_message_ && line == ".");
        }
        searched = buffer_.size() - at_;
        TRY(bool more, fill());
        if (!more) {
            ended_ = true;
            line = buffer_;
            at_ = buffer_.size();
            fix_end(line);
            return !line.empty() && !(dot_ends_message_ && line == ".");
        }
    }
    return false;
}

// postconf(5) sendmail_fix_line_endings: strict goes by the first line.
void MessageInput::fix_end(std::string_view& line)
{
    if (first_line_) {
        first_line_ = false;
        fixes_ = fix_ == LineEndFix::Always || (fix_ == LineEndFix::Strict && line.ends_with('\r'));
    }
    if (fixes_ && line.ends_with('\r'))
        line.remove_suffix(1);
}

Result<std::string> MessageInput::read_header()
{
    std::string header;
    std::string_view line;
    for (;;) {
        TRY(bool more, next_line(line));
        if (!more)
            return header;
        if (header.empty() && line.starts_with("From "))
            continue;  // a mailbox's separator line, which programs put before a message by mistake
        header.append(line).append("\r\n");
        bool continues = line.starts_with(' ') || line.starts_with('\t');
        if (line.empty() || (!continues && mime::header_name_length(line) == 0))
            return header;
        if (header.size() > header_limit)
            return fail(ErrorKind::Limit, "message header too big");
    }
}

Result<void> MessageInput::read_rest(const std::function<Result<void>(std::string_view)>& block)
{
    std::string lines;
    std::string_view line;
    for (;;) {
        TRY(bool more, next_line(line));
        if (!more)
            return lines.empty() ? Result<void>() : block(lines);
        lines.append(line).append("\r\n");
        if (lines.size() >= (std::size_t{64} << 10)) {
            TRY(block(lines));
            lines.clear();
        }
    }
}

}  // namespace posthaste::command::sendmail
