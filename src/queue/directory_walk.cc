// directory_walk.cc — see directory_walk.h.
#include "queue/directory_walk.h"

#include "queue/queue_id.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>

namespace posthaste::queue {

namespace {

constexpr unsigned deepest_hash = 16;  // as postconf(5) hash_queue_depth allows
constexpr std::size_t walk_at_once = 4096;

}  // namespace

Result<const dirent*> read_entry(DIR* stream, const std::string& directory)
{
    errno = 0;
    const dirent* entry = ::readdir(stream);  // NOLINT(concurrency-mt-unsafe): the caller's own stream
    if (entry == nullptr && errno != 0)
        return fail_errno("read " + directory);
    return entry;
}

FileWalk::FileWalk(std::string queue_directory, std::string_view directory, Detail detail)
    : queue_directory_(std::move(queue_directory)), detail_(detail)
{
    pending_.push_back({std::string(directory), deepest_hash});
}

// False: there is none left.
bool FileWalk::open_next_directory()
{
    stream_.reset();
    ended_ = false;
    pending_.insert(pending_.end(), below_.rbegin(), below_.rend());
    below_.clear();
    while (!pending_.empty()) {
        current_ = std::move(pending_.back());
        pending_.pop_back();
        const std::string full = queue_directory_ + "/" + current_.directory;
        stream_.reset(::opendir(full.c_str()));
        if (stream_)
            return true;
        if (errno != ENOENT && result_)
            result_ = fail_errno("open " + full);
    }
    return false;
}

std::vector<FileWalk::Name> FileWalk::read_names(std::size_t most)
{
    const std::string directory = queue_directory_ + "/" + current_.directory;
    std::vector<Name> names;
    while (names.size() < most) {
        auto entry = read_entry(stream_.get(), directory);
        if (!entry && result_)
            result_ = fail(entry.error());
        if (!entry || *entry == nullptr) {
            ended_ = true;
            break;
        }
        if ((*entry)->d_name[0] != '.')
            names.push_back({(*entry)->d_ino, (*entry)->d_name, (*entry)->d_type});
    }
    std::ranges::sort(names, {}, &Name::inode);
    return names;
}

void FileWalk::add(std::vector<WalkedFile>& files, Name entry)
{
    const bool is_message = is_queue_id(entry.name);
    WalkedFile file;
    file.path = current_.directory + "/" + entry.name;
    if (entry.type == DT_UNKNOWN || (entry.type == DT_REG && detail_ == Detail::Status && is_message)) {
        if (::fstatat(::dirfd(stream_.get()), entry.name.c_str(), &file.status, AT_SYMLINK_NOFOLLOW) != 0)
            return;  // gone meanwhile
        entry.type = S_ISDIR(file.status.st_mode) ? DT_DIR : S_ISREG(file.status.st_mode) ? DT_REG : DT_UNKNOWN;
    }
    if (entry.type == DT_DIR && current_.depth > 0) {
        below_.push_back({std::move(file.path), current_.depth - 1});
    } else if (entry.type == DT_REG && is_message) {
        file.queue_id = std::move(entry.name);
        files.push_back(std::move(file));
    }
}

std::vector<WalkedFile> FileWalk::next(std::size_t most)
{
    std::vector<WalkedFile> files;
    while (files.size() < most && ((stream_ && !ended_) || open_next_directory()))
        for (Name& entry : read_names(most - files.size()))
            add(files, std::move(entry));
    return files;
}

Result<void> for_each_file_below(const QueueOptions& options, std::string_view directory,
                                 const std::function<void(const WalkedFile&)>& callback)
{
    FileWalk walk(options.directory, directory, FileWalk::Detail::Status);
    for (;;) {
        const std::vector<WalkedFile> files = walk.next(walk_at_once);
        if (files.empty())
            return walk.result();
        for (const WalkedFile& file : files)
            callback(file);
    }
}

}  // namespace posthaste::queue
