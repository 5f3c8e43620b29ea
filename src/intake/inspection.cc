// One message's content past ContentRules, see inspection.h.
#include "intake/inspection.h"

#include "dsn/outcome.h"
#include "log/events_cleanup.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace posthaste::intake {

namespace {

using inspect::Decision;
using inspect::Match;
using Kind = inspect::CheckAction::Kind;

log::ContentOrigin origin_of(const queue::Envelope& envelope)
{
    const bool local = envelope.origin != queue::Origin::Smtpd && envelope.origin != queue::Origin::Qmqpd;
    return {.client_name = local ? std::string_view() : envelope.client.name,
            .client_address = local ? std::string_view() : envelope.client.address,
            .sender = envelope.sender,
            .recipient = envelope.recipients.empty() ? std::string_view() : envelope.recipients.back().address,
            .protocol = local ? std::string_view() : envelope.client.protocol,
            .helo = local ? std::string_view() : envelope.client.helo};
}

bool is_full_address(std::string_view address)
{
    const std::size_t at = address.rfind('@');
    return at != std::string_view::npos && at > 0 && at + 1 < address.size();
}

std::string_view description(mime::Fault fault)
{
    switch (fault) {
    case mime::Fault::Nesting: return "MIME nesting exceeds safety limit";
    case mime::Fault::EightBitHeader: return "improper use of 8-bit data in message header";
    case mime::Fault::EightBitBody: return "improper use of 8-bit data in message body";
    case mime::Fault::EncodedStructure: return "invalid message/* or multipart/* encoding domain";
    }
    return {};
}

Rejection verdict(int smtp_code, dsn::Code code, std::string text)
{
    Rejection rejection(smtp_code < 500 ? Rejection::Fault::System : Rejection::Fault::Message, smtp_code, code,
                        std::move(text));
    rejection.says_error = false;
    return rejection;
}

// Calls `use` with each line, without its CRLF, until that returns false.
template<class Use>
void for_each_line(std::string_view crlf_lines, Use use)
{
    while (!crlf_lines.empty()) {
        const std::size_t end = std::min(crlf_lines.find("\r\n"), crlf_lines.size());
        if (!use(crlf_lines.substr(0, end)))
            return;
        crlf_lines.remove_prefix(std::min(end + 2, crlf_lines.size()));
    }
}

// The ends of lines are no characters of the message.
std::string without_characters(std::string_view crlf_lines, const CharacterSet& characters)
{
    std::string out;
    out.reserve(crlf_lines.size());
    for_each_line(crlf_lines, [&](std::string_view line) {
        std::ranges::copy_if(line, std::back_inserter(out),
                             [&](char c) { return !characters.test(static_cast<unsigned char>(c)); });
        out += "\r\n";
        return true;
    });
    return out;
}

// A table did not answer.
Rejection cannot_tell(Error error)
{
    return Rejection(Error(error.kind(), error.text() + " -- message not accepted, try again later"));
}

}  // namespace

net::Task<Accepted<>> Inspection::feed(std::string crlf_lines)
{
    if (rules_->rejected.any())
        refuse_characters(crlf_lines);
    if (rejection_)
        co_return Accepted<>();
    if (rules_->stripped.any())
        crlf_lines = without_characters(crlf_lines, rules_->stripped);
    if (auto done = co_await inspector_.feed(std::move(crlf_lines)); !done)
        co_return std::unexpected(cannot_tell(std::move(done.error())));
    co_return Accepted<>();
}

net::Task<Accepted<>> Inspection::separate()
{
    if (auto done = co_await inspector_.separate(); !done)
        co_return std::unexpected(cannot_tell(std::move(done.error())));
    co_return Accepted<>();
}

void Inspection::log_action(const Match& match, std::string_view action, std::string_view text)
{
    log::content_action(envelope_->queue_id, action, match.place(), match.text, origin_of(*envelope_), text);
}

void Inspection::refuse_characters(std::string_view crlf_lines)
{
    for_each_line(crlf_lines, [this](std::string_view line) {
        if (std::ranges::none_of(line, [this](char c) { return rules_->rejected.test(static_cast<unsigned char>(c)); }))
            return true;
        rejection_ = verdict(550, {5, 7, 1}, "disallowed character");
        log::content_action(envelope_->queue_id, "reject", "content", line, origin_of(*envelope_),
                            rejection_->reply_text());
        return false;
    });
}

void Inspection::complain(std::string_view text) { log::cleanup_warning(text); }

// A code before the text says how bad it is: 4.x.x asks the client to come again.
Decision Inspection::reject(const Match& match)
{
    dsn::CodedText said = dsn::split_code(match.action.argument, {5, 7, 1});
    if (said.text.empty())
        said.text = "message content rejected";
    rejection_ = verdict(said.code.status_class == 4 ? 451 : 550, said.code, std::move(said.text));
    log_action(match, "reject", rejection_->reply_text());
    return Decision::DropTheRest;
}

void Inspection::set_filter(const std::string& destination)
{
    if (!filter_before_)
        filter_before_ = envelope_->filter;
    envelope_->filter = destination;
}

// Overrides FILTER, but not content_filter.
void Inspection::redirect(const std::string& address)
{
    envelope_->redirect = address;
    if (filter_before_)
        envelope_->filter = *filter_before_;
}

// BCC, FILTER, REDIRECT: true if the argument makes sense.
bool Inspection::route(const Match& match)
{
    const std::string& text = match.action.argument;
    switch (match.action.kind) {
    case Kind::Filter:
        if (text.empty())
            complain(fmt::format("missing FILTER command argument in {} map", match.parameter));
        else if (!text.contains(':'))
            complain(fmt::format("bad FILTER command {} in {} -- need transport:destination", text, match.parameter));
        else
            set_filter(text);
        return text.contains(':');
    case Kind::Redirect:
        if (!is_full_address(text))
            complain(fmt::format("bad REDIRECT target \"{}\" in {} map -- need user@domain", text, match.parameter));
        else
            redirect(text);
        return is_full_address(text);
    default:
        if (!is_full_address(text))
            complain(fmt::format("bad BCC address \"{}\" in {} map -- need user@domain", text, match.parameter));
        else
            copies_.push_back(text);
        return is_full_address(text);
    }
}

// As Postfix does, nothing is looked up any more after REDIRECT: it has been decided where the message goes.
Decision Inspection::decide(const Match& match)
{
    const std::string& text = match.action.argument;
    switch (match.action.kind) {
    case Kind::Reject: return reject(match);
    case Kind::Discard:
        log_action(match, "discard", text);
        discarded_ = true;
        return Decision::DropTheRest;
    case Kind::Hold:
        if (!std::exchange(held_, true))
            log_action(match, "hold", text);
        return Decision::Keep;
    case Kind::Pass: log_action(match, "pass", text); return Decision::PassTheRest;
    case Kind::Bcc:
        if (route(match))
            log_action(match, "bcc", text);
        return Decision::Keep;
    case Kind::Filter:
        if (route(match))
            log_action(match, "filter", text);
        return Decision::Keep;
    case Kind::Redirect:
        if (!route(match))
            return Decision::Keep;
        log_action(match, "redirect", text);
        return Decision::PassTheRest;
    default:
        complain(fmt::format("unknown command in {} map: {}", match.parameter, match.result));
        return Decision::Keep;
    }
}

bool Inspection::is_refused(mime::Fault fault) const
{
    switch (fault) {
    case mime::Fault::Nesting: return true;
    case mime::Fault::EightBitHeader: return rules_->strict_7bit_headers;
    case mime::Fault::EightBitBody: return rules_->strict_8bitmime_body;
    case mime::Fault::EncodedStructure: return rules_->strict_encoding_domain;
    }
    return false;
}

void Inspection::note(const std::vector<mime::FoundFault>& faults)
{
    for (; noted_faults_ < faults.size(); ++noted_faults_) {
        const mime::FoundFault& found = faults[noted_faults_];
        if (discarded_ || !is_refused(found.fault))
            continue;
        refuse_structure(description(found.fault), found.text);
    }
}

void Inspection::refuse_structure(std::string_view what, std::string_view text)
{
    if (!rejection_)
        rejection_ = verdict(550, {5, 6, 0}, std::string(what));
    log::mime_error(envelope_->queue_id, what, text, origin_of(*envelope_));
}

void Inspection::end_header_without_separator(std::string_view line)
{
    constexpr std::string_view fault = "message header is not terminated by an empty line";
    if (rules_->header_end == HeaderEndAction::Reject)
        refuse_structure(fault, line);
    if (rules_->header_end == HeaderEndAction::AddHeader)
        sink_->add_inspected(fmt::format("MIME-Error: {}\r\n", fault));
    sink_->add_inspected("\r\n");
}

}  // namespace posthaste::intake
