// leftovers.cc — see leftovers.h.
#include "queue/leftovers.h"

#include "base/fd.h"
#include "log/log.h"
#include "queue/directory_walk.h"
#include "queue/file_time.h"
#include "queue/locks.h"
#include "queue/queue_file.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace posthaste::queue {

void remove_if_left_behind(const std::string& path)
{
    auto file = open_file(path, O_RDWR | O_NOFOLLOW);
    // First the lock, then the state: a writer gives up the lock when the file is complete and durable.
    if (!file || is_locked_by_other(file->get(), file_lock_byte))
        return;
    struct stat status{};
    if (::fstat(file->get(), &status) != 0 || is_complete(status.st_mode))
        return;
    if (std::chrono::system_clock::now() - wall_time(status.st_mtim) <= std::chrono::seconds(10))
        return;
    if (::unlink(path.c_str()) == 0)
        log::info("{}: removed: {} bytes of a message that its writer did not complete", path, status.st_size);
    else if (errno != ENOENT)
        log::warning("{}: an incomplete message that cannot be removed: {}", path, std::strerror(errno));
}

Result<void> remove_left_behind(const QueueOptions& options, QueueName queue)
{
    return for_each_file_below(options, name(queue), [&](const WalkedFile& file) {
        if (!is_complete(file.status.st_mode))
            remove_if_left_behind(options.directory + "/" + file.path);
    });
}

}  // namespace posthaste::queue
