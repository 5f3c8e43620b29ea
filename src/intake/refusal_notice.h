// A local user's message that intake refuses for good: nobody waits for an SMTP reply, so the user gets a report.
//
// The notification names every recipient, gives the refusal as the reason and returns the header. It goes into the
// queue like one of bounce(8), and the log has a line with status=bounced for each recipient. Mail from the null sender
// gets none.
#pragma once

#include "intake/pipeline.h"
#include "net/task.h"

#include <string>
#include <string_view>
#include <vector>

namespace posthaste::intake {

struct Refused {
    std::string queue_id;
    std::int64_t arrival_seconds = 0;
    std::uint32_t arrival_microseconds = 0;
    std::string sender;                   // internal form
    std::vector<std::string> recipients;  // internal form, as the user gave them
    std::string header;                   // as far as it is known, in wire form
    Rejection rejection;
};

// The queue id of the notification.
Task<Accepted<std::string>> return_to_sender(Pipeline* pipeline, Refused refused);

}  // namespace posthaste::intake
