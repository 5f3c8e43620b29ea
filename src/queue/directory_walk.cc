// directory_walk.cc — see directory_walk.h.
#include "queue/directory_walk.h"

#include "queue/queue_id.h"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <vector>

namespace posthaste::queue {

namespace {

constexpr unsigned deepest_hash = 16;  // as postconf(5) hash_queue_depth allows

// One level of a directory; returns the names of its subdirectories.
Result<std::vector<std::string>> visit_directory(const QueueOptions& options, const std::string& directory,
                                                 const std::function<void(const WalkedFile&)>& callback)
{
    const std::string full = options.directory + "/" + directory;
    std::vector<std::string> below;
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(full.c_str()), ::closedir);
    if (!stream && errno == ENOENT)
        return below;
    if (!stream)
        return fail_errno("open " + full);
    while (const dirent* entry = ::readdir(stream.get())) {  // NOLINT(concurrency-mt-unsafe): own stream
        std::string name = entry->d_name;
        if (name.starts_with('.'))
            continue;
        if (entry->d_type == DT_DIR) {
            below.push_back(std::move(name));
            continue;
        }
        WalkedFile file;
        if (::fstatat(::dirfd(stream.get()), name.c_str(), &file.status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;  // gone meanwhile
        if (S_ISDIR(file.status.st_mode)) {
            below.push_back(std::move(name));
        } else if (S_ISREG(file.status.st_mode) && is_queue_id(name)) {
            file.path = directory + "/" + name;
            file.queue_id = std::move(name);
            callback(file);
        }
    }
    return below;
}

Result<void> walk(const QueueOptions& options, const std::string& directory, unsigned depth,
                  const std::function<void(const WalkedFile&)>& callback)
{
    TRY(auto below, visit_directory(options, directory, callback));
    Result<void> result;
    if (depth == 0)
        return result;
    for (const std::string& child : below)
        if (auto walked = walk(options, directory + "/" + child, depth - 1, callback); !walked && result)
            result = std::move(walked);
    return result;
}

}  // namespace

Result<void> for_each_file_below(const QueueOptions& options, std::string_view directory,
                                 const std::function<void(const WalkedFile&)>& callback)
{
    return walk(options, std::string(directory), deepest_hash, callback);
}

}  // namespace posthaste::queue
