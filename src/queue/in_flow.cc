// in_flow.cc — see in_flow.h.
#include "queue/in_flow.h"

namespace posthaste::queue {

bool InFlow::is_behind(net::Clock::time_point now)
{
    constexpr std::chrono::seconds window{1};
    // A queue manager of an earlier release does not count.
    if (flow_ == nullptr || flow_->is_counted.load(std::memory_order_relaxed) == 0)
        return false;
    const std::uint64_t taken = flow_->taken.load(std::memory_order_relaxed);
    const std::uint64_t committed = flow_->committed.load(std::memory_order_relaxed);
    if (now - window_begin_ >= window) {
        taken_before_ = now - window_begin_ < 2 * window ? taken_then_ : taken;
        taken_then_ = taken;
        window_begin_ = now;
    }
    const std::uint64_t waiting = committed > taken ? committed - taken : 0;
    const std::uint64_t finished = taken > taken_before_ ? taken - taken_before_ : 0;
    return waiting > slack && waiting > finished;
}

}  // namespace posthaste::queue
