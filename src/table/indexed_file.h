// indexed_file.h — what hash:, btree: (Berkeley DB) and lmdb: have in common on disk.
//
// Other programs write these files: Postfix's postmap rewrites a .db in place under an exclusive flock(2), ours
// renames a complete file over it. A reader therefore holds a shared lock while it looks up, and looks through the
// descriptor whether the file was rewritten since it was opened: then it opens it again before it answers. Without
// the lock within lock_patience the answer is a Temporary error, never "not found".
//
// Keys and values may end with a NUL byte that belongs to the format, not to the text (postmap -N, Debian's
// default); KeyEnding remembers which form the file uses once a key was found.
#pragma once

#include "base/result.h"
#include "table/followed_file.h"
#include "table/lookup.h"
#include "table/table.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::table {

constexpr std::chrono::milliseconds lock_patience{100};

enum class KeyEnding : std::uint8_t { Unknown, Nul, None };

// Which keys a file has, and the bytes of a key that is looked up.
struct KeyForm {
    KeyEnding ending = KeyEnding::Unknown;
    std::string with_nul;
};

// A shared flock on the descriptor for as long as it lives.
class SharedLock {
public:
    static Result<SharedLock> acquire(int fd, std::string_view what);
    SharedLock(SharedLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    SharedLock& operator=(SharedLock&&) = delete;
    ~SharedLock();

private:
    explicit SharedLock(int fd) : fd_(fd) {}
    int fd_;
};

// The version behind an open descriptor; Io when it cannot be told.
Result<FileVersion> version_of(int fd, std::string_view what);

// Looks the key up in the forms that the file may use; `get` maps the stored bytes of a key to the stored bytes of
// its value (an Answer).
template<class Get>
Answer lookup_with_ending(std::string_view key, KeyForm& form, Get get)
{
    Answer answer = not_found();
    if (form.ending != KeyEnding::None) {
        form.with_nul.assign(key).push_back('\0');
        answer = get(std::string_view(form.with_nul));
        if (answer && *answer)
            form.ending = KeyEnding::Nul;
    }
    if (form.ending != KeyEnding::Nul && answer && !*answer) {
        answer = get(key);
        if (answer && *answer)
            form.ending = KeyEnding::None;
    }
    if (answer && *answer && (*answer)->ends_with('\0'))
        (*answer)->pop_back();
    return answer;
}

// One answer between hold() and release(): the caller's, who has called hold() (`held`), or of this answer alone.
template<class Ask>
Answer answer_while_held(Table& table, bool held, Ask ask)
{
    if (held)
        return ask();
    if (auto holding = table.hold(); !holding)
        return fail(ErrorKind::Temporary, holding.error().text());
    Answer answer = ask();
    table.release();
    return answer;
}

// The text of a stored key or value, without the NUL that ends it.
inline std::string_view without_ending(std::string_view bytes)
{
    return bytes.ends_with('\0') ? bytes.substr(0, bytes.size() - 1) : bytes;
}

}  // namespace posthaste::table
