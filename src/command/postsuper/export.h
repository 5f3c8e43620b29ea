// export.h — postsuper --export: the whole queue, moved into a directory in Postfix's own format.
//
// For those who go back to Postfix: it cannot read our journal, and takes our queue files for damaged ones. DIR is made
// like the queue directory of a Postfix: incoming/, deferred/ (hashed as configured), hold/, maildrop/, and defer/
// with the reasons. The mail system must be stopped. A message leaves this queue only after all of DIR is on disk; one
// that cannot be written stays. An export that was cut off is repeated into the same directory. Copied into our queue
// directory, the files are taken over as those of a Postfix are.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <cstdint>
#include <map>
#include <string>
#include <sys/types.h>

namespace posthaste::command::postsuper {

struct Exported {
    std::uint64_t journal = 0;  // now in incoming/
    std::uint64_t active = 0;   // now in incoming/
    std::uint64_t deferred = 0;
    std::uint64_t hold = 0;
    std::uint64_t maildrop = 0;
    std::uint64_t failed = 0;  // still in this queue; each was logged
};

// While this process may be root. Exists: the mail system runs.
Result<void> must_be_stopped(const config::Config& config);
// The directory as an absolute path, made with the directories in it, their owners and modes as Postfix wants them.
// Called while this process may be root. Invalid: inside of the queue directory; Denied, Io.
Result<std::string> make_export_directory(const config::Config& config, const std::string& directory);

// In the queue directory, with the rights of its owner. Exists: somebody else has the queue.
Result<Exported> export_queue(const config::Config& config, const std::string& directory);
// What a switch to Postfix would leave behind: the number of messages that only this mail system can read.
Result<std::uint64_t> messages_to_export(const config::Config& config);

// Who handed in what is in maildrop/, by file name. To be asked before the export.
using SubmissionOwners = std::map<std::string, uid_t>;
SubmissionOwners submission_owners(const config::Config& config);
// As root, after the export: the files belong to them again. Log lines and Received: headers name the owner.
void give_back_submissions(const std::string& directory, const SubmissionOwners& owners);

}  // namespace posthaste::command::postsuper
