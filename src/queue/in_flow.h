// Whether the queue manager keeps up with what comes in (postconf(5) in_flow_delay).
//
// Writers count the messages that they commit, the queue manager counts those that it takes, both in journal/positions.
// It is behind when more mail waits for it than it took in the last second or two, so that a burst that it is working
// on slows nobody down, and more than `slack`, so that an idle system takes a burst at once. One that does not run
// takes nothing, and is behind when as much waits. Figures, no truth: a lost count is made good when it has read
// everything.
#pragma once

#include "net/loop.h"
#include "queue/positions.h"

#include <cstdint>

namespace posthaste::queue {

// One a writer. Loop's thread only; costs two loads of memory that is shared with the queue manager.
class InFlow {
public:
    static constexpr std::uint64_t slack = 2000;  // messages

    // `flow` may be null: nothing is known, and nobody is behind.
    explicit InFlow(const Positions::Flow* flow) : flow_(flow) {}

    [[nodiscard]] bool is_behind(net::Clock::time_point now);

private:
    const Positions::Flow* flow_;
    net::Clock::time_point window_begin_{};
    std::uint64_t taken_before_ = 0;  // as it was between one and two seconds ago
    std::uint64_t taken_then_ = 0;    // at window_begin_
};

}  // namespace posthaste::queue
