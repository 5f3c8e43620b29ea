// settled_members.cc — see settled_members.h.
#include "daemon/local/settled_members.h"

namespace posthaste::local {

SettledMembers::Members SettledMembers::take(const Recipient& recipient)
{
    auto found = recipients_.find(recipient);
    if (found == recipients_.end())
        return {};
    Members members = std::move(found->second.members);
    oldest_.erase(found->second.number);
    recipients_.erase(found);
    return members;
}

void SettledMembers::keep(const Recipient& recipient, Members members)
{
    static_cast<void>(take(recipient));
    if (members.empty())
        return;
    const std::uint64_t number = next_number_++;
    recipients_[recipient] = {std::move(members), number};
    oldest_[number] = recipient;
    if (recipients_.size() > most_)
        static_cast<void>(take(Recipient(oldest_.begin()->second)));
}

}  // namespace posthaste::local
