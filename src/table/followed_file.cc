// followed_file.cc — see followed_file.h.
#include "table/followed_file.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace posthaste::table {

namespace {

struct ProcessState {
    Confinement confinement = Confinement::None;
    CannotReopen cannot_reopen;
};

ProcessState& process()
{
    static ProcessState state;
    return state;
}

// Whether a process that has given up nothing may succeed.
bool is_out_of_reach(const Error& error)
{
    const Confinement confinement = process().confinement;
    return confinement == Confinement::Jail ||
           (confinement == Confinement::Rights && error.kind() == ErrorKind::Denied);
}

Reopening* under_way = nullptr;

time_t coarse_seconds()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

// Between removing a file and making it anew (rm x.db; postmap x) a successor would find nothing. A file in the place
// of the old one cannot be told from none: with the second until the next look, this is how late it counts.
bool is_gone_for_good(const timespec& removed)
{
    using std::chrono::nanoseconds;
    using std::chrono::seconds;
    constexpr std::chrono::milliseconds patience{1500};
    timespec now{};
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return seconds(now.tv_sec - removed.tv_sec) + nanoseconds(now.tv_nsec - removed.tv_nsec) >= patience;
}

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

void confine(Confinement confinement, CannotReopen cannot_reopen)
{
    process() = {confinement, std::move(cannot_reopen)};
}

void look_at_followed_files()
{
    if (process().confinement == Confinement::None)
        return;
    for (ListedFile* file : ListedFile::all())
        static_cast<FollowedFile*>(file)->look_for_successor();
}

Reopening::Reopening() { under_way = this; }
Reopening::~Reopening() { under_way = nullptr; }

bool Reopening::could_not_open(std::string_view what, const Error& error)
{
    if (under_way == nullptr || !is_out_of_reach(error))
        return false;
    if (under_way->out_of_reach_.empty())
        under_way->out_of_reach_ = what;
    return true;
}

bool at_rest(const timespec& modified)
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    const auto age = now.tv_sec - modified.tv_sec;
    return age != 0 && (age != 1 || now.tv_nsec >= modified.tv_nsec);
}

FileVersion FileVersion::of(const struct stat& status)
{
    return {.device = status.st_dev, .inode = status.st_ino, .size = status.st_size, .modified = status.st_mtim};
}

// Made with the first file, and so destroyed after the last.
std::set<ListedFile*>& ListedFile::all()
{
    static std::set<ListedFile*> files;
    return files;
}

FollowedFile::FollowedFile(std::string path, Follow follow)
    : path_(std::move(path)), follow_(follow), looked_(coarse_seconds())
{
    if (path_.empty())
        return;
    struct stat status{};
    if (stat(path_.c_str(), &status) == 0)
        version_ = FileVersion::of(status);
    hold();
}

// After the path was looked at: a file that takes its place in between is seen as changed, or held and not yet known.
void FollowedFile::hold()
{
    held_ = UniqueFd(::open(path_.c_str(), O_PATH | O_CLOEXEC));
    struct stat status{};
    if (!held_ || fstat(held_.get(), &status) != 0)
        return;
    held_changed_ = status.st_ctim;
    owner_ = status.st_uid;
    if (!S_ISREG(status.st_mode))
        held_.reset();  // through a directory one reaches what lies outside of the jail
    hold_links();
}

// A link that is replaced by one to another file (as certbot does) changes nothing of the old file. A descriptor of a
// link itself leads nowhere.
void FollowedFile::hold_links()
{
    constexpr int most = 10;
    held_links_.clear();
    std::filesystem::path path = path_;
    for (int links = 0; links < most; ++links) {
        std::error_code error;
        const std::filesystem::path target = std::filesystem::read_symlink(path, error);
        UniqueFd link(error ? -1 : ::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        struct stat status{};
        if (!link || fstat(link.get(), &status) != 0 || !S_ISLNK(status.st_mode))
            return;
        held_links_.push_back(std::move(link));
        path = path.parent_path() / target;  // an absolute target is the whole path
    }
}

bool FollowedFile::held_link_changed() const
{
    return std::ranges::any_of(held_links_, [](const UniqueFd& link) {
        struct stat status{};
        return fstat(link.get(), &status) == 0 && status.st_nlink == 0 && is_gone_for_good(status.st_ctim);
    });
}

bool FollowedFile::held_file_changed(bool only_at_rest) const
{
    if (held_link_changed())
        return true;
    struct stat status{};
    if (!held_ || fstat(held_.get(), &status) != 0)
        return false;
    if (status.st_nlink == 0)
        return is_gone_for_good(status.st_ctim);
    if (follow_ == Follow::Identity ||
        (FileVersion::of(status) == version_ && same_time(status.st_ctim, held_changed_)))
        return false;
    return !only_at_rest || at_rest(status.st_mtim);
}

bool FollowedFile::is_same(const FileVersion& current) const
{
    return follow_ == Follow::Content ? current == version_
                                      : current.device == version_.device && current.inode == version_.inode;
}

void FollowedFile::ask_for_successor()
{
    if (process().cannot_reopen && !std::exchange(asked_, true))
        process().cannot_reopen(path_);
}

std::optional<FileVersion> FollowedFile::other_version(bool only_at_rest)
{
    if (path_.empty())
        return std::nullopt;
    struct stat status{};
    const Confinement confinement = process().confinement;
    if (confinement == Confinement::Jail || stat(path_.c_str(), &status) != 0) {
        const bool out_of_reach = confinement == Confinement::Jail || errno == EACCES;
        if (confinement != Confinement::None && out_of_reach && held_file_changed(only_at_rest))
            ask_for_successor();
        return std::nullopt;
    }
    const FileVersion current = FileVersion::of(status);
    if (is_same(current) || (only_at_rest && !at_rest(status.st_mtim)))
        return std::nullopt;
    return current;
}

bool FollowedFile::look(bool only_at_rest)
{
    looked_ = coarse_seconds();
    const auto other = other_version(only_at_rest);
    if (!other)
        return false;
    version_ = *other;
    hold();
    return true;
}

// Remembers nothing: a version that can be opened is left to the next lookup. One that is being written to would keep
// its lock from the successor, too.
void FollowedFile::look_for_successor()
{
    if (other_version(true) && ::eaccess(path_.c_str(), R_OK) != 0)
        could_not_open(Error::system(errno, path_));
}

void FollowedFile::could_not_open(const Error& error)
{
    if (is_out_of_reach(error))
        ask_for_successor();
}

bool FollowedFile::changed_now() { return look(false); }
bool FollowedFile::changed() { return coarse_seconds() != looked_ && look(false); }
bool FollowedFile::changed_and_at_rest() { return coarse_seconds() != looked_ && look(true); }

}  // namespace posthaste::table
