// active_message.cc — see active_message.h.
#include "daemon/qmgr/active_message.h"

#include <algorithm>

namespace posthaste::qmgr {

namespace {

// Of one message. Beyond it, a deferral is known without its reason, which is in the log and the defer log.
constexpr std::size_t most_reasons = 1000;
constexpr std::size_t compared_reasons = 8;  // the last ones: what recipients of one destination share

Progress progress_of(queue::RecipientMark mark)
{
    switch (mark) {
    case queue::RecipientMark::Todo: return Progress::Todo;
    case queue::RecipientMark::Bounced: return Progress::Bounced;
    case queue::RecipientMark::Done: return Progress::Done;
    }
    return Progress::Todo;
}

const std::string no_text;

}  // namespace

RecipientStates::RecipientStates(std::size_t count) : progress_(count, Progress::Todo)
{
    counts_[static_cast<std::size_t>(Progress::Todo)] = count;
}

RecipientState RecipientStates::operator[](std::size_t recipient) const
{
    if (reason_of_.empty() || reason_of_[recipient] == 0)
        return {progress_[recipient], no_text, no_text};
    const Reason& reason = reasons_[reason_of_[recipient]];
    return {progress_[recipient], reason.code, reason.text};
}

void RecipientStates::set(std::size_t recipient, Progress progress, std::string code, std::string reason)
{
    --counts_[static_cast<std::size_t>(progress_[recipient])];
    ++counts_[static_cast<std::size_t>(progress)];
    progress_[recipient] = progress;
    const std::uint32_t place = place_of(std::move(code), std::move(reason));
    if (place == 0 && reason_of_.empty())
        return;
    reason_of_.resize(progress_.size());
    reason_of_[recipient] = place;
}

std::uint32_t RecipientStates::place_of(std::string code, std::string reason)
{
    if (code.empty() && reason.empty())
        return 0;
    if (reasons_.empty())
        reasons_.emplace_back();
    for (std::size_t i = reasons_.size(); i-- > 1 && reasons_.size() - i <= compared_reasons;)
        if (reasons_[i].code == code && reasons_[i].text == reason)
            return static_cast<std::uint32_t>(i);
    if (reasons_.size() > most_reasons)
        return 0;
    reasons_.push_back({std::move(code), std::move(reason)});
    return static_cast<std::uint32_t>(reasons_.size() - 1);
}

ActiveMessage::ActiveMessage(queue::LoadedMessage&& stored, std::int64_t active_since_microseconds)
    : stored_(std::move(stored)), states_(std::max(stored_.marks.size(), stored_.envelope.recipients.size())),
      active_since_(active_since_microseconds), may_want_report_(queue::wants_report_of_success(stored_.envelope))
{
    unread_ = states_.size() - stored_.envelope.recipients.size();
    is_whole_ = unread_ == 0;
    take_marks(stored_.marks);
    stored_.marks = {};
}

void ActiveMessage::take_piece(std::vector<queue::Recipient> recipients, queue::RecipientPosition next)
{
    piece_begin_ = piece_end();
    unread_ -= std::min(unread_, recipients.size());
    stored_.envelope.recipients = std::move(recipients);
    stored_.unread = next;
    may_want_report_ = may_want_report_ || queue::wants_report_of_success(stored_.envelope);
}

void ActiveMessage::stop_reading()
{
    may_want_report_ = may_want_report_ || unread_ > 0;
    unread_ = 0;
}

void ActiveMessage::take_marks(const std::vector<queue::RecipientMark>& marks)
{
    for (std::size_t i = 0; i < std::min(marks.size(), states_.size()); ++i)
        if (marks[i] != queue::RecipientMark::Todo)
            states_.set(i, progress_of(marks[i]), {}, {});
}

void ActiveMessage::set(std::size_t recipient, Progress progress, std::string code, std::string reason)
{
    states_.set(recipient, progress, std::move(code), std::move(reason));
}

std::vector<std::size_t> ActiveMessage::with(Progress progress) const
{
    std::vector<std::size_t> found;
    if (count(progress) == 0)
        return found;
    for (std::size_t i = 0; i < states_.size(); ++i)
        if (states_[i].progress == progress)
            found.push_back(i);
    return found;
}

}  // namespace posthaste::qmgr
