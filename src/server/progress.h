// progress.h — tells who waits at a terminal how far a command is, when that takes longer than a second.
//
// One line on standard error that is written over and removed at the end. Where standard error is no terminal, or
// what is printed goes to the same terminal, nothing is ever written.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace posthaste::server {

enum class Output : unsigned char { Printed, Nothing };  // does the command print to standard output meanwhile?

// Lives as long as the work.
class Progress {
public:
    // what: "messages read"; the line is "postqueue: 12000 messages read".
    Progress(std::string program, std::string what, Output output);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void advance(std::uint64_t count = 1);

private:
    using Clock = std::chrono::steady_clock;
    void show() const;

    std::string program_;
    std::string what_;
    bool wanted_;
    bool shown_ = false;
    std::uint64_t count_ = 0;
    Clock::time_point next_;
};

}  // namespace posthaste::server
