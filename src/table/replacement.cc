// replacement.cc — see replacement.h.
#include "table/replacement.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <sys/file.h>
#include <vector>

namespace posthaste::table {

namespace {

constexpr std::size_t copy_block = std::size_t{256} << 10;

std::string directory_of(const std::string& path)
{
    std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> copy_bytes(int from, int to)
{
    std::vector<char> block(copy_block);
    for (off_t offset = 0;;) {
        TRY(std::size_t size, read_fully_at(from, block, offset));
        if (size == 0)
            return {};
        TRY(write_fully_at(to, {block.data(), size}, offset));
        offset += static_cast<off_t>(size);
    }
}

// An flock(2), which waits: for writers that rewrite in place, and for readers.
Result<void> lock_file(int fd, int operation, const std::string& path)
{
    while (flock(fd, operation) != 0)
        if (errno != EINTR)
            return fail_errno("lock " + path);
    return {};
}

// The file that a symbolic link leads to; the path itself when there is none.
std::string resolved(const std::string& path)
{
    struct Free {
        void operator()(char* text) const { std::free(text); }
    };
    std::unique_ptr<char, Free> real(realpath(path.c_str(), nullptr));
    return real ? real.get() : path;
}

}  // namespace

Replacement::Replacement(Replacement&& other) noexcept
    : target_(std::move(other.target_)), temporary_(std::exchange(other.temporary_, {})),
      temporary_directory_(std::exchange(other.temporary_directory_, {})), old_(std::move(other.old_)),
      mode_(other.mode_), in_place_(other.in_place_)
{
}

Replacement::~Replacement()
{
    if (!temporary_.empty())
        unlink(temporary_.c_str());
    if (!temporary_directory_.empty())
        rmdir(temporary_directory_.c_str());
}

Result<Replacement> Replacement::begin(const std::string& target, Start start, mode_t mode)
{
    Replacement replacement;
    replacement.target_ = resolved(target);
    TRY(replacement.lock_old(target));
    TRY(replacement.make_temporary(mode));
    if (start == Start::CopyOfOld && replacement.old_)
        TRY(replacement.copy_old());
    return replacement;
}

// Opens and locks the file that the target's name leads to, when there is one. Somebody else may rename a new one
// over it while we wait for the lock: then that one is the old file.
Result<void> Replacement::lock_old(const std::string& shown)
{
    for (;;) {
        auto file = open_file(target_, O_RDWR);
        if (!file && file.error().kind() == ErrorKind::NotFound)
            return {};
        if (!file)
            return fail(
                Error(file.error().kind(),
                      "open database " + shown + file.error().text().substr(sizeof "open " - 1 + target_.size())));
        struct flock whole{.l_type = F_WRLCK, .l_whence = SEEK_SET};
        while (fcntl(file->get(), F_OFD_SETLKW, &whole) != 0)
            if (errno != EINTR)
                return fail_errno("lock " + target_);
        struct stat locked{};
        struct stat named{};
        if (fstat(file->get(), &locked) != 0)
            return fail_errno(target_);
        if (stat(target_.c_str(), &named) == 0 && named.st_ino == locked.st_ino && named.st_dev == locked.st_dev) {
            old_ = std::move(*file);
            return {};
        }
    }
}

Result<void> Replacement::make_temporary(mode_t mode)
{
    struct stat old{};
    if (old_ && fstat(old_.get(), &old) != 0)
        return fail_errno(target_);
    mode_ = old_ ? old.st_mode & 07777 : mode;

    const std::string directory = directory_of(target_);
    const std::string name = target_.substr(target_.rfind('/') + 1);
    std::string path = fmt::format("{}/.{}.XXXXXX", directory, name);
    UniqueFd file(mkostemp(path.data(), O_CLOEXEC));
    if (file)
        temporary_ = path;
    if (!file && !old_)
        return fail_errno("open database " + target_);
    if (file && (!old_ || (old.st_uid == geteuid() && old.st_gid == getegid()) ||
                 fchown(file.get(), old.st_uid, old.st_gid) == 0)) {
        if (fchmod(file.get(), mode_) != 0)
            return fail_errno("chmod " + path);
        return {};
    }

    // The old file's bytes are replaced instead of the file.
    in_place_ = true;
    if (file)
        unlink(temporary_.c_str());
    temporary_.clear();
    const char* base = std::getenv("TMPDIR");
    std::string scratch = fmt::format("{}/posthaste-table-XXXXXX", base != nullptr ? base : "/tmp");
    if (mkdtemp(scratch.data()) == nullptr)
        return fail_errno("create directory " + scratch);
    temporary_directory_ = scratch;
    temporary_ = scratch + "/" + name;
    TRY(UniqueFd created, open_file(temporary_, O_RDWR | O_CREAT | O_EXCL, 0600));
    return {};
}

Result<void> Replacement::copy_old()
{
    TRY(UniqueFd copy, open_file(temporary_, O_WRONLY));
    TRY(lock_file(old_.get(), LOCK_SH, target_));
    TRY(copy_bytes(old_.get(), copy.get()));
    return lock_file(old_.get(), LOCK_UN, target_);
}

Result<void> Replacement::copy_in_place()
{
    TRY(UniqueFd built, open_file(temporary_, O_RDONLY));
    TRY(lock_file(old_.get(), LOCK_EX, target_));
    if (ftruncate(old_.get(), 0) != 0)
        return fail_errno("truncate " + target_);
    TRY(copy_bytes(built.get(), old_.get()));
    if (fsync(old_.get()) != 0)
        return fail_errno("fsync " + target_);
    return {};
}

Result<void> Replacement::commit()
{
    if (in_place_)
        return copy_in_place();
    TRY(UniqueFd built, open_file(temporary_, O_RDWR));
    if (fchmod(built.get(), mode_) != 0)
        return fail_errno("chmod " + temporary_);
    // The bytes are on disk before the name leads to them: after a power cut the name has one whole version.
    if (fsync(built.get()) != 0)
        return fail_errno("fsync " + temporary_);
    if (rename(temporary_.c_str(), target_.c_str()) != 0)
        return fail_errno(fmt::format("rename {} to {}", temporary_, target_));
    temporary_.clear();
    return sync_directory(directory_of(target_));
}

}  // namespace posthaste::table
