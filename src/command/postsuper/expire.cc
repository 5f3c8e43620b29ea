// expire.cc — see expire.h.
#include "command/postsuper/expire.h"

#include "base/fd.h"
#include "queue/queue_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace posthaste::command::postsuper {

Result<void> expire_file(const queue::QueueOptions& options, queue::QueueName queue, const std::string& queue_id)
{
    const std::string path = options.directory + "/" + queue::queue_file_path(options, queue, queue_id);
    TRY(UniqueFd fd, open_file(path, O_RDONLY | O_NOFOLLOW));
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0)
        return fail_errno("stat " + path);
    if (!queue::is_complete(status.st_mode))
        return fail(ErrorKind::NotFound, path + " is not complete");
    if (queue::is_expired(status.st_mode))
        return {};
    if (::fchmod(fd.get(), (status.st_mode & 07777U) | queue::mode_expired) != 0 || ::fsync(fd.get()) != 0)
        return fail_errno("chmod " + path);
    return {};
}

}  // namespace posthaste::command::postsuper
