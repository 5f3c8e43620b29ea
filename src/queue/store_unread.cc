// store_unread.cc — what lies in the journal beyond the queue manager's position: a position in a segment is all that
// is known of it, so that it is read anew when somebody asks.
#include "log/log.h"
#include "queue/locks.h"
#include "queue/store.h"
#include "queue/store_impl.h"

#include <utility>

namespace posthaste::queue {

// Where frames end that may be read: what the writer published, or all when it is gone.
std::uint64_t Store::Impl::readable_end(const KnownSegment& segment) const
{
    if (segment.header.state != SegmentState::InUse || segment.read_to_end)
        return 0;
    if (segment.writer_gone)
        return segment.header.size;
    const Positions::View view = positions->view(segment.header.number);
    return view.generation == segment.header.generation ? view.durable_end : 0;
}

// A segment as it was when the list was begun.
struct Store::UnreadList::Piece {
    KnownSegment segment;
    std::uint64_t end;
};

Store::UnreadList Store::list_unread()
{
    UnreadList list;
    list.impl_ = impl_.get();
    if (auto noticed = impl_->notice_claims(); !noticed)  // nothing was read while the active queue was full
        log::warning("queue: {}", noticed.error().text());
    for (const auto& [number, segment] : impl_->segments) {
        const std::uint64_t end = impl_->readable_end(segment);
        if (segment.scan.offset < end)
            list.pieces_.push_back(std::make_shared<UnreadList::Piece>(segment, end));
    }
    return list;
}

std::vector<LoadedMessage> Store::UnreadList::next(std::size_t most)
{
    std::vector<LoadedMessage> found;
    while (!pieces_.empty() && found.size() < most) {
        KnownSegment& segment = pieces_.back()->segment;
        auto scanned = scan_next(*segment.file, segment.header, segment.scan, pieces_.back()->end, false);
        auto header = segment.file->header();
        if (!scanned || !header || header->generation != segment.header.generation) {
            pieces_.pop_back();
            continue;
        }
        const std::string_view marks = segment.file->marks(scanned->frame, segment.header);
        if (!is_live(static_cast<MessageMark>(marks[0])) || segment.taken_early.contains(scanned->offset))
            continue;
        impl_->budget = {};
        if (auto message = impl_->load_frame(segment, scanned->offset, scanned->frame))
            found.push_back(std::move(*message));
    }
    return found;
}

std::vector<LoadedMessage> Store::take_unread(const std::set<std::string>& queue_ids)
{
    std::vector<LoadedMessage> found;
    if (auto noticed = impl_->notice_claims(); !noticed)
        log::warning("queue: {}", noticed.error().text());
    impl_->budget = {.left = 0, .least = 0};
    for (auto& [number, segment] : impl_->segments) {
        const std::uint64_t end = impl_->readable_end(segment);
        ScanPosition position = segment.scan;
        while (auto scanned = scan_next(*segment.file, segment.header, position, end, false)) {
            if (segment.taken_early.contains(scanned->offset))
                continue;
            auto stored = decode_envelope(segment.file->envelope(scanned->offset, scanned->frame), 0);
            if (!stored || !queue_ids.contains(stored->envelope.queue_id))
                continue;
            if (!segment.file->hashes_match(scanned->offset, scanned->frame))
                continue;  // damaged or torn: next() knows what that means
            segment.taken_early.insert(scanned->offset);
            impl_->take_frame(segment, *scanned, found);
        }
    }
    for (const std::string& queue_id : queue_ids)
        if (impl_->is_left_by_its_writer(queue_id))
            if (auto message = impl_->activate_file(QueueName::Incoming, queue_id))
                found.push_back(std::move(*message));
    return found;
}

}  // namespace posthaste::queue
