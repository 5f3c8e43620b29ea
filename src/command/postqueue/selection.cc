// selection.cc — see selection.h.
#include "command/postqueue/selection.h"

#include "address/local_part.h"
#include "base/text.h"

#include <algorithm>
#include <fnmatch.h>

namespace posthaste::command::postqueue {

namespace {

// What showq calls the null sender.
constexpr std::string_view null_sender = "MAILER-DAEMON";

bool contains_ignoring_case(const std::string& text, const std::string& part)
{
    return to_lower(text).find(to_lower(part)) != std::string::npos;
}

}  // namespace

bool fits_address(std::string_view pattern, std::string_view address)
{
    if (pattern.empty() || pattern == "<>")
        return address.empty() || address == null_sender;
    if (pattern.starts_with('@'))
        pattern.remove_prefix(1);
    std::string_view subject = address;
    if (pattern.find('@') == std::string_view::npos && address.find('@') != std::string_view::npos)
        subject = address::split_at_domain(address).domain;
    if (equal_ignoring_case(pattern, subject))
        return true;  // [192.0.2.1] is an address literal before it is a wildcard
    return ::fnmatch(std::string(pattern).c_str(), std::string(subject).c_str(), FNM_NOESCAPE | FNM_CASEFOLD) == 0;
}

bool Selection::takes_all() const { return to.empty() && from.empty() && reasons.empty() && !older_than; }

bool Selection::takes(const server::QueuedRecipient& recipient) const
{
    auto fits = [&](const std::string& pattern) { return fits_address(pattern, recipient.address); };
    auto is_said = [&](const std::string& part) { return contains_ignoring_case(recipient.reason, part); };
    return (to.empty() || std::ranges::any_of(to, fits)) && (reasons.empty() || std::ranges::any_of(reasons, is_said));
}

bool Selection::takes(const server::QueuedMessage& message, std::int64_t now) const
{
    if (older_than && now - message.arrival_time <= older_than->count())
        return false;
    if (!from.empty() &&
        std::ranges::none_of(from, [&](const std::string& pattern) { return fits_address(pattern, message.sender); }))
        return false;
    if (to.empty() && reasons.empty())
        return true;
    return std::ranges::any_of(message.recipients,
                               [&](const server::QueuedRecipient& recipient) { return takes(recipient); });
}

}  // namespace posthaste::command::postqueue
