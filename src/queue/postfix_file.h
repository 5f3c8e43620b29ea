// postfix_file.h — Postfix's queue files: what a Postfix 3.7 left in its queue, and what one can take over again.
//
// A file is a list of typed records; doc/postfix-queue-file.md says what was observed of it. Milters' edits have left
// pointers in it that must be followed. Reading is strict, as Postfix's own queue manager is: a record of a type that
// is not known makes the file a damaged one, rather than that mail goes where it should not. Pure functions over the
// bytes of a file; time and memory are linear in its size, whatever its pointers say.
#pragma once

#include "base/result.h"
#include "queue/envelope.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::queue {

// Letters of the records, as postcat -d prints them.
enum class PostfixRecord : char {
    Size = 'C',
    Time = 'T',
    Attribute = 'A',
    FullName = 'F',
    Sender = 'S',
    Filter = 'L',  // in the envelope
    Redirect = '>',
    Verp = 'V',
    WarnTime = 'W',
    Original = 'O',
    Recipient = 'R',
    Done = 'D',
    Canceled = '/',
    Killed = 'K',
    Content = 'M',
    Line = 'N',
    LinePart = 'L',  // in the content
    Extracted = 'X',
    End = 'E',
    Pointer = 'p',
    Padding = 'w',
};

// A file in a queue begins with its sizes; one that postdrop(1) wrote to maildrop/ lacks them.
enum class PostfixKind : std::uint8_t { None, QueueFile, Submission };
// Decided by the first byte: the formats of this system begin otherwise.
PostfixKind postfix_kind(std::string_view beginning);

struct PostfixRecipient {
    Recipient recipient;
    std::uint64_t offset = 0;  // of its record in the file: delivery logs name it
};

struct PostfixMessage {
    PostfixKind kind = PostfixKind::QueueFile;
    Envelope envelope;                   // recipients: those that are still to be served; without queue id
    std::vector<PostfixRecipient> done;  // delivered or bounced before
    ContentFacts facts;
    std::uint64_t content_offset = 0;  // of the first record of the content
};

// Called with the content in wire form, cut anywhere.
using ContentSink = std::function<Result<void>(std::string_view)>;

// The whole file. Corrupt: it breaks the format or has no end record. Whatever the sink returns.
Result<PostfixMessage> read_postfix_file(std::string_view file, const ContentSink& sink = {});

// The other way: what is to be delivered, as a file in a queue of Postfix. Recipients are those of `recipients`
// (indexes of the envelope). warn_at: when a delay warning is due, in seconds since the epoch; 0: none will be sent.
std::string write_postfix_file(const Envelope& envelope, const std::vector<std::size_t>& recipients,
                               const ContentFacts& facts, std::string_view content, std::int64_t warn_at = 0);
// The same for maildrop/, as Postfix's postdrop(1) writes it: to all recipients.
std::string write_postfix_submission(const Envelope& envelope, std::string_view content);

}  // namespace posthaste::queue
