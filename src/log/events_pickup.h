// Lines of pickup(8) that other programs parse.
#pragma once

#include <cstdint>
#include <string_view>

namespace posthaste::log {

// "QID: uid=N from=<S>"; the sender as the user gave it, before it is completed.
void picked_up(std::string_view queue_id, std::uint32_t uid, std::string_view sender);

}  // namespace posthaste::log
