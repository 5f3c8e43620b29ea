// Queue ids that never repeat, in Postfix's two forms.
//
// Short: five hexadecimal digits of the arrival microseconds, then a number in hexadecimal where Postfix has the
// inode. Long (enable_long_queue_ids): seconds and microseconds in base 52, "z", the number in base 51. The number
// comes from a counter that is leased in blocks: the counter file is advanced durably before a block is used, so no
// number is ever given twice, whatever crashes (postconf(5) enable_long_queue_ids).
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/time.h>

namespace posthaste::queue {

std::string short_queue_id(const timeval& arrival, std::uint64_t number);
std::string long_queue_id(const timeval& arrival, std::uint64_t number);
// Letters and digits only, 6 to longest_queue_id of them: what may be used in a path or be given to a tool.
inline constexpr std::size_t longest_queue_id = 40;
bool is_queue_id(std::string_view text);
// The hash subdirectories of a queue file with this id, "A/" for depth 1: digits of the microseconds part.
std::string hash_path(std::string_view queue_id, unsigned depth);

// Hands out numbers; one a process.
class NumberLease {
public:
    // counter_path is made if missing. Numbers start at 0x10000, so that ids look like ids.
    explicit NumberLease(std::string counter_path) : path_(std::move(counter_path)) {}
    Result<std::uint64_t> next();

private:
    Result<void> lease();
    static constexpr std::uint64_t block = 65536;
    std::string path_;
    std::uint64_t next_ = 0;
    std::uint64_t end_ = 0;
};

}  // namespace posthaste::queue
