// What the queue manager does to messages: find them, load them, move survivors, bury the dead, recycle segments.
//
// One Store per queue: open() takes the scheduler's lock, so that two schedulers never run over one queue. Tools use
// the same class while no queue manager runs. Nothing here schedules: the Store knows where messages are and in
// which state; the queue manager decides what happens next. Loop's thread only, but for syncs on a helper thread.
//
// Journal mail is found by reading forward (next()); survivors live in files that are named by queue id.
#pragma once

#include "base/result.h"
#include "net/loop.h"
#include "net/task.h"
#include "queue/envelope.h"
#include "queue/file_time.h"
#include "queue/layout.h"
#include "queue/marks.h"
#include "queue/message_ref.h"
#include "queue/options.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace posthaste::queue {

// A message as the scheduler needs it: no content.
struct LoadedMessage {
    MessageRef ref;
    Envelope envelope;
    ContentFacts facts;
    std::vector<RecipientMark> marks;  // one per recipient
    RecipientPosition unread;          // the first that is not in envelope.recipients
    bool expired = false;              // postsuper -e
};

// How many recipients come into memory with messages that are read: `left` in all, but of each message `least`.
struct RecipientBudget {
    std::size_t left = max_recipients;
    std::size_t least = max_recipients;
};

// An entry of a queue directory: known from the directory alone.
struct FileEntry {
    QueueName queue = QueueName::Deferred;
    std::string queue_id;
    WallTime retry_at;  // modification time: when a deferred message is due
    std::uint64_t file_size = 0;
    bool expired = false;  // postsuper -e
};

class FileWalk;

class Store {
public:
    struct Impl;
    // Exists: another scheduler (or tool) holds the queue. Recovers: seals unlocked segments, removes incomplete files.
    static Result<std::unique_ptr<Store>> open(QueueOptions options);
    ~Store();

    // --- finding messages
    // Up to `most` messages that were committed and not seen yet: journal first, then complete files in incoming/
    // (they are renamed to active/). Empty when there is nothing new. Call after a hint and every few seconds.
    Result<std::vector<LoadedMessage>> next(std::size_t most, RecipientBudget budget = {});
    // What lies in the journal and next() has not come to yet, as it is at this moment; for listings. Nothing counts as
    // read by it. Before the queue is recovered, a message of which there is a file, too, may be among them.
    class UnreadList {
    public:
        // About `most` more; none: that was all. What is gone meanwhile is left out.
        std::vector<LoadedMessage> next(std::size_t most);

    private:
        friend class Store;
        struct Piece;
        Impl* impl_ = nullptr;
        std::vector<std::shared_ptr<Piece>> pieces_;
    };
    [[nodiscard]] UnreadList list_unread();
    // Those of them, and of incoming/, that have these queue ids: as from next(), which passes over them from then on.
    std::vector<LoadedMessage> take_unread(const std::set<std::string>& queue_ids);
    // Whether next() has been through all that lay in the journal at open(), and upkeep() has synced what that marked.
    // Before that, a file in deferred/ or active/ may be the unfinished copy of a journal message, or a power cut may
    // bring that message back: do not activate or load files.
    [[nodiscard]] bool is_recovered() const;
    // Calls back for each complete file of a queue directory (deferred, hold, active); bounded work per entry: no file
    // is opened.
    Result<void> for_each_file(QueueName queue, const std::function<void(const FileEntry&)>& callback);
    // The same for a living queue and without holding up the loop: a walk on a helper thread. What comes, goes or moves
    // meanwhile is in it or not. Files that are not where their queue id says are put there.
    class FileList {
    public:
        FileList(std::shared_ptr<const QueueOptions> options, QueueName queue, std::shared_ptr<FileWalk> walk)
            : options_(std::move(options)), queue_(queue), walk_(std::move(walk))
        {
        }
        // About `most` more; none: that was all. Io: and some could not be read.
        Task<Result<std::vector<FileEntry>>> next(std::size_t most);

    private:
        std::shared_ptr<const QueueOptions> options_;
        QueueName queue_;
        std::shared_ptr<FileWalk> walk_;
    };
    [[nodiscard]] FileList list_files(QueueName queue) const;
    // Reads envelope and marks again. NotFound, Corrupt (the file has been moved to corrupt/), Temporary.
    Result<LoadedMessage> load(const MessageRef& ref, RecipientBudget budget = {});
    // Up to `most` more recipients of a message; `position` moves behind them. As load().
    Result<std::vector<Recipient>> read_recipients(const MessageRef& ref, RecipientPosition& position,
                                                   std::size_t most);
    // An agent (perhaps of an earlier queue manager) still holds the message's shared lock.
    [[nodiscard]] bool busy(const MessageRef& ref);

    // --- changing states; each needs the message not busy (Temporary otherwise) unless said
    // Nothing is owed any more. Journal: the message's mark becomes Dead; file: unlinked. Never fails for lack of
    // space. An agent may still have it: its place is not used again before the agent has let go of it. Temporary only
    // while move() writes it.
    Result<void> bury(const MessageRef& ref);
    // Recipient marks that the scheduler itself decides (bounced, and the report is committed: Done).
    Result<void> set_marks(const MessageRef& ref, std::span<const std::size_t> recipients, RecipientMark mark);
    struct Survivor {
        MessageRef ref;
        QueueName to = QueueName::Deferred;  // Deferred or Hold
        WallTime retry_at;
    };
    // Moves survivors into files of their own, durably, before anything else may happen to them; one result for each.
    // From the journal: file written and synced, then the Moved mark synced. From active/: renamed, mtime set. Until
    // the answer comes the messages are busy.
    // NoSpace: the message stays where it is and may be retried from there.
    Task<std::vector<Result<MessageRef>>> move(std::vector<Survivor> survivors);
    // deferred/ or hold/ -> active/ (rename), loaded.
    Result<LoadedMessage> activate(QueueName from, const std::string& queue_id, RecipientBudget budget = {});
    // Files that activate() or next() could not load now, nor put back where they were: they stay in active/, and it is
    // the caller who knows of them from now on.
    std::vector<MessageRef> take_stranded();
    // postsuper -e: is remembered with the message; durable after upkeep(). Needs no space.
    Result<void> set_expired(const MessageRef& ref);
    // A file's retry time, in place (deferred).
    Result<void> set_retry_time(const MessageRef& ref, WallTime retry_at);

    // The message is damaged: a copy goes to corrupt/ and it is scheduled no more. Logged.
    Result<void> quarantine(const MessageRef& ref);
    // deferred/, active/ or incoming/ -> hold/, or back to deferred/ (release): durable when it returns.
    Result<void> change_queue(const MessageRef& ref, QueueName to);
    // The same for many files, or their removal together with bounce(8)'s logs of them, on a helper thread; one result
    // for each: NotFound, Temporary (busy; only a move minds). Moves are durable when it returns. Meanwhile the caller
    // does nothing else with them.
    struct FileChange {
        std::string queue_id;
        std::vector<QueueName> from;  // tried in this order
        std::optional<QueueName> to;  // none: removed
    };
    Task<std::vector<Result<void>>> change_files(std::vector<FileChange> changes);

    // --- upkeep, to be called about once a second: makes marks durable, retires dead segments,
    // removes excess free ones, keeps the reserve
    Task<Result<void>> upkeep();
    // Unsupported if there are segments that only a newer release can read.
    [[nodiscard]] Result<void> is_all_readable() const;
    [[nodiscard]] std::size_t live_in_journal() const;
    // Path below the queue directory of a queue file, hashed as configured.
    [[nodiscard]] std::string path_of(QueueName queue, const std::string& queue_id) const;

private:
    Result<std::vector<LoadedMessage>> read_on(std::size_t most);
    explicit Store(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthaste::queue
