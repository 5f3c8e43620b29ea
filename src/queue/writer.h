// How a message gets into the queue: begin a Draft, append content, commit. When commit() returns without an error
// the message survives a power cut; that is the only moment after which a client may be told 250.
//
// One Writer a process. It owns one journal segment at a time (an OFD lock for life) and two flush threads: every draft
// that became ready while they were at work goes into the next batch (group commit). A draft whose content
// exceeds journal_message_limit, or that would take the process over its memory budget, is streamed into a queue
// file in incoming/ instead and synced by itself; the caller sees no difference.
//
// A failed flush is final: the whole batch fails, and one that is under way beside it; the segment is abandoned, and
// broken() becomes true; the process should finish what it does and leave.
#pragma once

#include "base/fd.h"
#include "net/task.h"
#include "queue/envelope.h"
#include "queue/marks.h"
#include "queue/message_ref.h"
#include "queue/options.h"

#include <memory>
#include <string>
#include <string_view>
#include <sys/time.h>

namespace posthaste::queue {

class Writer;

// A message under construction. Dropping it without commit leaves nothing behind (a file in incoming/ is removed).
// Owned by one session; must not outlive its Writer.
class Draft {
public:
    Draft(Draft&&) noexcept;
    Draft& operator=(Draft&&) noexcept;
    ~Draft();

    // The queue id is set by Writer::begin(); everything else may be filled until commit.
    Envelope& envelope();
    [[nodiscard]] const Envelope& envelope() const;
    // Appends one content line without its line end; CRLF is added. May contain any byte but CR and LF.
    // NoSpace, Io: the message cannot be stored; drop the draft and answer 452 or 451.
    Result<void> append_line(std::string_view line);
    // Appends raw content that ends in CRLF line ends of its own making: for content that is in wire form already.
    Result<void> append_lines(std::string_view crlf_lines);
    // The message goes to hold/ instead of being delivered, until somebody releases it.
    void hold();
    // Marks the end of the header; the empty line itself must have been appended. At most once.
    void end_of_header();
    [[nodiscard]] const ContentFacts& facts() const;

    struct State;

private:
    friend class Writer;
    explicit Draft(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

struct Committed {
    MessageRef ref;
    ContentFacts facts;
};

class Writer {
public:
    // Opens the journal directory (made if missing) and claims a segment. Before the jail is not needed: the working
    // directory is the queue directory. qmgr is told of commits through public/qmgr; tests give an empty path.
    static Result<std::unique_ptr<Writer>> open(QueueOptions options, std::string qmgr_socket = "public/qmgr");
    ~Writer();

    // A new draft with a queue id of its own (unique for ever) and arrival time now.
    Result<Draft> begin();
    // Resumes after the flush that covers the message. NoSpace, Io: nothing was acknowledged, tell the client 451.
    Task<Result<Committed>> commit(Draft draft);
    // The same with marks for recipients that need no delivery any more (survivors that are moved): one per recipient.
    Task<Result<Committed>> commit(Draft draft, std::vector<RecipientMark> marks);
    [[nodiscard]] bool broken() const;
    // More is coming in than the queue manager takes: who brings mail should wait for in_flow_delay before commit().
    [[nodiscard]] bool queue_manager_is_behind();
    // Whether the queue can take a message of this size now (queue_minfree, free space): NoSpace if not.
    Result<void> check_space(std::uint64_t expected_size) const;

    struct Impl;

private:
    explicit Writer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthaste::queue
