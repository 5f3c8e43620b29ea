// postfix_import.h — files that Postfix left in a queue directory, where they lie.
//
// A file is taken over when its message is due, not before: a start over many files reads none of them, and who only
// shows the queue reads Postfix's format. Taking over writes our own format into another file, syncs it and renames it
// over Postfix's: after a crash at any instant one of the two is there, whole, under the message's name.
#pragma once

#include "base/result.h"
#include "queue/options.h"
#include "queue/postfix_file.h"

#include <string>

namespace posthaste::queue {

// Whether a file exists that begins as Postfix's queue files do. Decided by its first byte.
bool is_postfix_queue_file(const std::string& path);

// The complete file at this path. NotFound; Temporary: not complete yet; Corrupt: not Postfix's, or damaged.
Result<PostfixMessage> read_postfix_queue_file(const std::string& path, const ContentSink& sink = {});

// The file `path` below the queue directory becomes one of our format with the same modification time. Recipients that
// were done are left out, but for those whose bounce was not sent yet (bounce/ has a log that names them): they are
// marked as bounced. Errors as above, NoSpace, Io: nothing has changed. The caller syncs the file's directory.
Result<void> convert_postfix_file(const QueueOptions& options, const std::string& path, const std::string& queue_id);

// Removes what conversions that were cut off left behind.
void remove_unfinished_conversions(const QueueOptions& options);

}  // namespace posthaste::queue
