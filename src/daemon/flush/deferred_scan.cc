// deferred_scan.cc — see deferred_scan.h.
#include "daemon/flush/deferred_scan.h"

#include "queue/marks.h"
#include "queue/message_ref.h"
#include "queue/postfix_import.h"
#include "queue/queue_file.h"

#include <algorithm>

namespace posthaste::flush {

namespace {

constexpr std::size_t files_a_slice = 256;

}  // namespace

DeferredScan::DeferredScan(queue::QueueOptions options, Sites sites)
    : options_(std::move(options)), sites_(std::move(sites)),
      walk_(options_.directory, queue::name(queue::QueueName::Deferred), queue::FileWalk::Detail::Names)
{
}

DeferredScan::Slice DeferredScan::next()
{
    Slice slice;
    std::vector<queue::WalkedFile> files = walk_.next(files_a_slice);
    slice.is_last = files.empty();
    for (queue::WalkedFile& file : files)
        if (waits_for_a_site(options_.directory + "/" + file.path))
            slice.queue_ids.push_back(std::move(file.queue_id));
    return slice;
}

// What is gone or damaged is the queue manager's business.
bool DeferredScan::waits_for_a_site(const std::string& path) const
{
    if (auto summary = queue::read_summary(path)) {
        const std::vector<queue::Recipient>& recipients = summary->stored.envelope.recipients;
        const std::string_view marks = std::string_view(summary->marks).substr(1);  // the first one is the message's
        for (std::size_t i = 0; i < std::min(recipients.size(), marks.size()); ++i)
            if (marks[i] == static_cast<char>(queue::RecipientMark::Todo) && sites_.contain(recipients[i].address))
                return true;
        return false;
    }
    if (!queue::is_postfix_queue_file(path))
        return false;
    auto message = queue::read_postfix_queue_file(path);
    return message && std::ranges::any_of(message->envelope.recipients,
                                          [&](const auto& recipient) { return sites_.contain(recipient.address); });
}

}  // namespace posthaste::flush
