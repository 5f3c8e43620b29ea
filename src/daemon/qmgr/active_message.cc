// active_message.cc — see active_message.h.
#include "daemon/qmgr/active_message.h"

#include <algorithm>

namespace posthaste::qmgr {

namespace {

Progress progress_of(queue::RecipientMark mark)
{
    switch (mark) {
    case queue::RecipientMark::Todo: return Progress::Todo;
    case queue::RecipientMark::Bounced: return Progress::Bounced;
    case queue::RecipientMark::Done: return Progress::Done;
    }
    return Progress::Todo;
}

}  // namespace

ActiveMessage::ActiveMessage(queue::LoadedMessage stored, std::int64_t active_since_microseconds)
    : stored_(std::move(stored)), recipients_(stored_.envelope.recipients.size()),
      active_since_(active_since_microseconds)
{
    take_marks(stored_.marks);
}

void ActiveMessage::take_marks(const std::vector<queue::RecipientMark>& marks)
{
    for (std::size_t i = 0; i < std::min(marks.size(), recipients_.size()); ++i)
        if (marks[i] != queue::RecipientMark::Todo)
            recipients_[i].progress = progress_of(marks[i]);
}

void ActiveMessage::set(std::size_t recipient, Progress progress, std::string code, std::string reason)
{
    recipients_[recipient] = {.progress = progress, .code = std::move(code), .reason = std::move(reason)};
}

std::vector<std::size_t> ActiveMessage::with(Progress progress) const
{
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < recipients_.size(); ++i)
        if (recipients_[i].progress == progress)
            found.push_back(i);
    return found;
}

std::size_t ActiveMessage::count(Progress progress) const
{
    return static_cast<std::size_t>(
        std::ranges::count_if(recipients_, [&](const RecipientState& r) { return r.progress == progress; }));
}

}  // namespace posthaste::qmgr
