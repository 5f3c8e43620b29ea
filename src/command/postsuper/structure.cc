// structure.cc — see structure.h.
#include "command/postsuper/structure.h"

#include "base/fd.h"
#include "log/log.h"
#include "queue/queue_file.h"
#include "queue/queue_id.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <vector>

namespace posthaste::command::postsuper {

namespace {

constexpr std::array<std::string_view, 7> hashable{"incoming", "active", "deferred", "hold",
                                                   "defer",    "bounce", "trace"};

struct File {
    std::string path;
    std::string expected;  // below the queue directory
};

Result<void> move_file(const queue::QueueOptions& options, const File& file)
{
    TRY(queue::make_parent_directories(options.directory, file.expected));
    const std::string target = options.directory + "/" + file.expected;
    if (::renameat2(AT_FDCWD, file.path.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0)
        return fail_errno("rename " + file.path + " to " + target);
    return sync_directory(target.substr(0, target.rfind('/')));
}

}  // namespace

std::string path_in_queue(const queue::QueueOptions& options, std::string_view queue_name, const std::string& queue_id)
{
    const bool hashed = std::ranges::find(options.hashed_queues, queue_name) != options.hashed_queues.end();
    return options.directory + "/" + std::string(queue_name) + "/" +
           (hashed ? queue::hash_path(queue_id, options.hash_depth) : std::string()) + queue_id;
}

void for_each_queue_file(const std::string& directory,
                         const std::function<void(const std::string& path, std::string queue_id)>& callback)
{
    std::error_code error;
    std::filesystem::recursive_directory_iterator entry(
        directory, std::filesystem::directory_options::skip_permission_denied, error);
    for (; !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
        std::error_code gone;
        std::string name = entry->path().filename().string();
        if (queue::is_queue_id(name) && entry->is_regular_file(gone))
            callback(entry->path().string(), std::move(name));
    }
}

Result<void> check_structure(const queue::QueueOptions& options, Misplaced misplaced)
{
    for (std::string_view name : hashable) {
        const std::string directory = options.directory + "/" + std::string(name);
        if (::mkdir(directory.c_str(), 0700) == 0)
            log::warning("{}: missing directory created", name);
        else if (errno != EEXIST)
            return fail_errno("mkdir " + directory);
        std::vector<File> files;
        for_each_queue_file(directory, [&](const std::string& path, const std::string& id) {
            const std::string expected = path_in_queue(options, name, id);
            if (path != expected)
                files.push_back({path, expected.substr(options.directory.size() + 1)});
        });
        for (const File& file : files) {
            if (misplaced == Misplaced::Report) {
                log::warning("{} belongs to {}: stop the mail system and run postsuper -s", file.path, file.expected);
                continue;
            }
            if (auto moved = move_file(options, file); !moved)
                log::warning("{}", moved.error().text());
            else
                log::info("{}: moved to {}", file.path, file.expected);
        }
    }
    return {};
}

}  // namespace posthaste::command::postsuper
