// progress.cc — see progress.h.
#include "server/progress.h"

#include "base/fd.h"

#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace posthaste::server {

namespace {

constexpr std::chrono::seconds patience{1};
constexpr std::chrono::milliseconds interval{250};
constexpr std::string_view erase_line = "\r\033[K";

}  // namespace

Progress::Progress(std::string program, std::string what, Output output)
    : program_(std::move(program)), what_(std::move(what)),
      wanted_(::isatty(STDERR_FILENO) == 1 && (output == Output::Nothing || ::isatty(STDOUT_FILENO) == 0)),
      next_(Clock::now() + patience)
{
}

Progress::~Progress()
{
    if (shown_)
        static_cast<void>(write_fully(STDERR_FILENO, erase_line));
}

void Progress::advance(std::uint64_t count)
{
    count_ += count;
    if (!wanted_ || Clock::now() < next_)
        return;
    shown_ = true;
    next_ = Clock::now() + interval;
    show();
}

void Progress::show() const
{
    static_cast<void>(write_fully(STDERR_FILENO, fmt::format("{}{}: {} {}", erase_line, program_, count_, what_)));
}

}  // namespace posthaste::server
