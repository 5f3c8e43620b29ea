// One file in maildrop/ while it is written: removed unless complete() succeeds, also when a signal ends the process.
#pragma once

#include "base/fd.h"
#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace posthaste::command::postdrop {

// At most one at a time: the signal handler knows one path.
class DropFile {
public:
    // Below the working directory. Denied, NoSpace, Io.
    static Result<std::unique_ptr<DropFile>> create(const std::string& directory);
    DropFile(UniqueFd fd, std::string directory, std::string path);
    ~DropFile();
    DropFile(const DropFile&) = delete;
    DropFile& operator=(const DropFile&) = delete;

    Result<void> write(std::string_view bytes) { return write_fully(fd_.get(), bytes); }
    // Makes the message durable and visible to pickup; returns the file's name.
    Result<std::string> complete();

    // SIGINT, SIGQUIT, SIGTERM, SIGALRM: remove the incomplete file and exit.
    static void remove_on_signals();

private:
    UniqueFd fd_;
    std::string directory_;
    std::string path_;
    bool complete_ = false;
};

}  // namespace posthaste::command::postdrop
