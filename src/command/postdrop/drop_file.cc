// One file in maildrop/, see drop_file.h.
#include "command/postdrop/drop_file.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sysexits.h>

namespace posthaste::command::postdrop {

namespace {

// What the signal handler removes; a plain array, because a handler may touch nothing else.
std::array<char, 256> path_to_remove{};

void forget_path() { path_to_remove[0] = '\0'; }

void remember_path(const std::string& path)
{
    forget_path();
    if (path.size() >= path_to_remove.size())
        return;
    path.copy(path_to_remove.data(), path.size());
    path_to_remove[path.size()] = '\0';
}

void remove_and_exit(int)
{
    if (path_to_remove[0] != '\0')
        ::unlink(path_to_remove.data());
    ::_exit(EX_TEMPFAIL);
}

constexpr mode_t mode_incomplete = 0644;  // readable for pickup, which is another user; the directory is not open
constexpr mode_t mode_complete = 0744;

}  // namespace

Result<std::unique_ptr<DropFile>> DropFile::create(const std::string& directory)
{
    timeval now{};
    ::gettimeofday(&now, nullptr);
    std::string path = fmt::format("{}/{}.{}.{}", directory, now.tv_sec, now.tv_usec, ::getpid());
    TRY(UniqueFd fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode_incomplete));
    return std::make_unique<DropFile>(std::move(fd), directory, std::move(path));
}

DropFile::DropFile(UniqueFd fd, std::string directory, std::string path)
    : fd_(std::move(fd)), directory_(std::move(directory)), path_(std::move(path))
{
    remember_path(path_);
}

DropFile::~DropFile()
{
    if (!complete_)
        ::unlink(path_.c_str());
    forget_path();
}

// The name looks like a queue id (microseconds, inode), so that mailq and postsuper can speak of the message. The
// content is synced before the mode says that it is complete; then the name must survive, too. The caller may not
// read maildrop/, so that the directory cannot be opened for fsync: syncfs does it through the file.
Result<std::string> DropFile::complete()
{
    struct ::stat facts{};
    timeval now{};
    ::gettimeofday(&now, nullptr);
    if (::fstat(fd_.get(), &facts) != 0 || ::fsync(fd_.get()) != 0)
        return fail_errno("sync " + path_);
    std::string name = fmt::format("{:05X}{:X}", now.tv_usec, facts.st_ino);
    std::string new_path = directory_ + "/" + name;
    if (::rename(path_.c_str(), new_path.c_str()) != 0)
        return fail_errno("rename " + path_);
    path_ = new_path;
    remember_path(path_);
    if (::fchmod(fd_.get(), mode_complete) != 0 || ::fsync(fd_.get()) != 0)
        return fail_errno("complete " + path_);
    auto synced = sync_directory(directory_);
    if (!synced && synced.error().kind() == ErrorKind::Denied && ::syncfs(fd_.get()) == 0)
        synced = {};
    TRY(synced);
    complete_ = true;
    return name;
}

void DropFile::remove_on_signals()
{
    for (int number : {SIGINT, SIGQUIT, SIGTERM, SIGALRM})
        std::signal(number, remove_and_exit);
}

}  // namespace posthaste::command::postdrop
