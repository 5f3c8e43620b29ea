// replacement.h — a new version of a table file takes the place of the old one as a whole.
//
// The new version is built in a temporary file in the same directory, synced, and renamed over the old one: readers
// see one or the other, and a crash or an error leaves the old one. While it is built a record lock (OFD) on the old
// file keeps other writers of ours away; readers, who use flock(2), go on. Mode and owner of an existing file are
// kept. Where the directory may not be written or the owner cannot be kept, the finished bytes are copied into the
// old file under an exclusive flock, as Postfix does; only then can a crash leave half a table.
#pragma once

#include "base/fd.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <sys/stat.h>

namespace posthaste::table {

class Replacement {
public:
    enum class Start : std::uint8_t { Empty, CopyOfOld };

    // `mode` is for a file that does not exist yet. With CopyOfOld a missing file starts empty.
    static Result<Replacement> begin(const std::string& target, Start start, mode_t mode);
    Replacement(Replacement&& other) noexcept;
    Replacement& operator=(Replacement&&) = delete;
    ~Replacement();  // removes the temporary file

    // Where the new version is built; a zero-length file exists there, or the copy.
    [[nodiscard]] const std::string& path() const { return temporary_; }
    [[nodiscard]] bool target_existed() const { return static_cast<bool>(old_); }
    // Call when whoever wrote path() has closed it.
    Result<void> commit();

private:
    Replacement() = default;
    Result<void> lock_old(const std::string& shown);
    Result<void> make_temporary(mode_t mode);
    Result<void> copy_old();
    Result<void> copy_in_place();

    std::string target_;  // with symbolic links resolved
    std::string temporary_;
    std::string temporary_directory_;  // removed, too, when it is ours
    UniqueFd old_;
    mode_t mode_ = 0644;
    bool in_place_ = false;
};

}  // namespace posthaste::table
