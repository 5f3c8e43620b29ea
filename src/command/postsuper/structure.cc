// structure.cc — see structure.h.
#include "command/postsuper/structure.h"

#include "base/fd.h"
#include "log/log.h"
#include "queue/directory_walk.h"
#include "queue/queue_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace posthaste::command::postsuper {

namespace {

constexpr std::array<std::string_view, 7> hashable{"incoming", "active", "deferred", "hold",
                                                   "defer",    "bounce", "trace"};

// The hash directories that a file was in, if nothing else is; never the queue's own directory.
void remove_empty_directories(const std::string& queue_directory, std::string path)
{
    for (path.erase(path.rfind('/')); path.find('/') != std::string::npos; path.erase(path.rfind('/')))
        if (::rmdir((queue_directory + "/" + path).c_str()) != 0)
            return;
}

// Both paths below the queue directory.
struct File {
    std::string path;
    std::string expected;
};

Result<void> move_file(const queue::QueueOptions& options, const File& file)
{
    TRY(queue::make_parent_directories(options.directory, file.expected));
    const std::string source = options.directory + "/" + file.path;
    const std::string target = options.directory + "/" + file.expected;
    if (::renameat2(AT_FDCWD, source.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0)
        return fail_errno("rename " + source + " to " + target);
    TRY(sync_directory(target.substr(0, target.rfind('/'))));
    remove_empty_directories(options.directory, file.path);
    return {};
}

}  // namespace

Result<void> check_structure(const queue::QueueOptions& options, Misplaced misplaced,
                             const std::vector<std::string>& directories)
{
    for (std::string_view name : hashable) {
        if (!directories.empty() && std::ranges::find(directories, name) == directories.end())
            continue;
        const std::string directory = options.directory + "/" + std::string(name);
        if (::mkdir(directory.c_str(), 0700) == 0)
            log::warning("{}: missing directory created", name);
        else if (errno != EEXIST)
            return fail_errno("mkdir " + directory);
        std::vector<File> files;
        auto read = queue::for_each_file_below(options, name, [&](const queue::WalkedFile& file) {
            std::string expected = queue::queue_file_path(options, name, file.queue_id);
            if (file.path != expected)
                files.push_back({file.path, std::move(expected)});
        });
        if (!read)
            log::warning("{}", read.error().text());
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
