// queue_id.cc — see queue_id.h.
#include "queue/queue_id.h"

#include "base/fd.h"
#include "base/text.h"
#include "queue/locks.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>

namespace posthaste::queue {

namespace {

// No vowels, so that ids spell no words; the letter z separates the time from the number.
constexpr std::string_view digits52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
static_assert(digits52.size() == 52);

std::string in_base(std::uint64_t value, std::uint64_t base, std::size_t width)
{
    std::string text;
    do {
        text.push_back(digits52[value % base]);
        value /= base;
    } while (value != 0);
    while (text.size() < width)
        text.push_back(digits52[0]);
    std::ranges::reverse(text);
    return text;
}

// The microseconds of a long queue id, or no value if it is not a long one.
std::optional<unsigned> microseconds_of_long(std::string_view id)
{
    std::size_t z = id.find_last_of('z');
    if (z == std::string_view::npos || z < 10)
        return std::nullopt;
    unsigned value = 0;
    for (char c : id.substr(z - 4, 4)) {
        std::size_t digit = digits52.find(c);
        if (digit == std::string_view::npos)
            return std::nullopt;
        value = value * 52 + static_cast<unsigned>(digit);
    }
    return value;
}

}  // namespace

std::string short_queue_id(const timeval& arrival, std::uint64_t number)
{
    return fmt::format("{:05X}{:X}", arrival.tv_usec, number);
}

std::string long_queue_id(const timeval& arrival, std::uint64_t number)
{
    return in_base(static_cast<std::uint64_t>(arrival.tv_sec), 52, 6) +
           in_base(static_cast<std::uint64_t>(arrival.tv_usec), 52, 4) + "z" + in_base(number, 51, 1);
}

bool is_queue_id(std::string_view text)
{
    return text.size() >= 6 && text.size() <= longest_queue_id && std::ranges::all_of(text, is_ascii_alnum);
}

std::string hash_path(std::string_view queue_id, unsigned depth)
{
    std::string digits(queue_id);
    if (auto microseconds = microseconds_of_long(queue_id))
        digits = fmt::format("{:05X}", *microseconds);
    std::string path;
    for (unsigned i = 0; i < depth && i < digits.size(); ++i) {
        path.push_back(digits[i]);
        path.push_back('/');
    }
    return path;
}

Result<std::uint64_t> NumberLease::next()
{
    if (next_ == end_)
        TRY(lease());
    return next_++;
}

Result<void> NumberLease::lease()
{
    TRY(UniqueFd fd, open_file(path_, O_RDWR | O_CREAT, 0600));
    TRY(lock_range_wait(fd.get(), 0, LockMode::Exclusive));
    char buffer[32] = "";
    TRY(std::size_t got, read_fully_at(fd.get(), std::span(buffer, sizeof buffer - 1), 0));
    std::uint64_t current = 0x10000;
    if (std::string_view text = trim(std::string_view(buffer, got)); !text.empty()) {
        auto number = parse_number<std::uint64_t>(text, 16);
        if (!number)
            return fail(ErrorKind::Corrupt, path_ + ": not a number; remove the file only if the queue is empty");
        current = *number;
    }
    std::string advanced = fmt::format("{:016x}\n", current + block);
    TRY(write_fully_at(fd.get(), advanced, 0));
    // The new value must be on disk before a number of the block is used: otherwise a power cut repeats ids.
    if (::fdatasync(fd.get()) != 0)
        return fail_errno("fdatasync " + path_);
    next_ = current;
    end_ = current + block;
    return {};
}

}  // namespace posthaste::queue
