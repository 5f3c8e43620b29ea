// outgoing.h — a message as it leaves, where that differs from what the queue holds. A value; no behaviour.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace posthaste::smtp_client {

struct Outgoing {
    // In internal form; by position in Job::recipients().
    std::optional<std::string> sender;
    std::vector<std::string> recipients;  // empty: those of the job
    // Instead of the first ContentFacts::header_size bytes of the content, the empty line at their end included.
    std::optional<std::string> header;
};

}  // namespace posthaste::smtp_client
