// File descriptors with an owner, and the small file operations that the whole system shares.
//
// Every function reports the path in its error text. Nothing here retries an fsync: a failed flush is final,
// the caller decides what that means.
#pragma once

#include "base/result.h"

#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <unistd.h>
#include <utility>

namespace posthaste {

// Owns one descriptor and closes it. Moved, never copied.
class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept
    {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset()
    {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

// open(2) with O_CLOEXEC.
Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode = 0600);
// The whole file; Limit if it is larger than max_bytes.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = std::size_t{64} << 20);
// Writes a temporary file beside path, syncs it, renames it over path and syncs the directory: after a crash the
// file is the old one or the new one, whole.
Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode = 0644);
// Writes all bytes, at the file offset or at the given one; EINTR and short writes are handled.
Result<void> write_fully(int fd, std::string_view bytes);
Result<void> write_fully_at(int fd, std::string_view bytes, off_t offset);
// Reads up to buffer.size() bytes at offset; fewer only at the end of the file.
Result<std::size_t> read_fully_at(int fd, std::span<char> buffer, off_t offset);
Result<void> sync_directory(const std::string& path);
// Makes all that was written to the file system of this directory durable, by whatever process: syncfs(2).
Result<void> sync_file_system(const std::string& directory);
Result<void> set_nonblocking(int fd);

}  // namespace posthaste
