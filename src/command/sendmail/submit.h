// Hands a message to postdrop(1), which is allowed to write into maildrop/.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "config/config.h"

#include <string>
#include <string_view>
#include <sys/types.h>

namespace posthaste::command::sendmail {

// A running postdrop. Dropped before finish(): postdrop sees the end of its input and leaves nothing behind.
class Postdrop {
public:
    static Result<Postdrop> start(const std::string& program, const config::Config& config);
    Postdrop(Postdrop&& other) noexcept;
    Postdrop& operator=(Postdrop&&) = delete;
    ~Postdrop();

    // Closed: postdrop has given up; finish() says why.
    Result<void> write(std::string_view bytes);
    struct Answer {
        int status = 0;      // sysexits.h
        std::string reason;  // why the status is not 0
    };
    Answer finish();

private:
    Postdrop(pid_t process, UniqueFd input, UniqueFd output)
        : input_(std::move(input)), output_(std::move(output)), process_(process)
    {
    }
    UniqueFd input_;
    UniqueFd output_;
    pid_t process_;
};

}  // namespace posthaste::command::sendmail
