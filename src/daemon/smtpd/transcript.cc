// transcript.cc — see transcript.h.
#include "daemon/smtpd/transcript.h"

#include "log/log.h"

#include <fmt/format.h>

namespace posthaste::smtpd {

namespace {
constexpr std::chrono::seconds patience{100};
}

void SessionTranscript::sent_lines(const smtp::Reply& reply)
{
    std::string lines;
    smtp::append_reply(lines, reply);
    if (!logged_as_.empty())
        server::log_sent(logged_as_, lines);
    if (kept_)
        kept_->sent(lines);
}

void SessionTranscript::failed(std::string_view line, const smtp::Reply& reply)
{
    if (options_->wanted.empty() || !reply.is_error() || trouble_)
        return;
    smtp::ErrorClass found = smtp::error_class_of(reply);
    if (!options_->wanted.has(found))
        return;
    trouble_ = found;
    if (kept_)
        return;
    kept_ = std::make_unique<smtp::Transcript>();
    kept_->received(line);
}

Task<void> SessionTranscript::report(std::string client)
{
    if (!trouble_ || !options_->bounce)
        co_return;
    bounce::Request request{.command = bounce::Command::Incident};
    request.error_class = name(*trouble_);
    request.subject = fmt::format("SMTP server: errors from {}", client);
    request.text = fmt::format("Transcript of session follows.\n\n{}\n", kept_->text());
    if (!aborted_.empty())
        request.text += fmt::format("Session aborted, reason: {}\n", aborted_);
    auto reply = co_await options_->bounce->call<bounce::Reply>(std::move(request), net::Deadline::after(patience));
    if (!reply || !reply->ok)
        log::warning("cannot notify the postmaster: {}", reply ? reply->error : reply.error().text());
}

}  // namespace posthaste::smtpd
