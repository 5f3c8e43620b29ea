// Lines of the delivery agents that other programs parse.
#pragma once

#include <cstdint>
#include <string_view>

namespace posthaste::log {

// The four parts of delays=, in microseconds; negative parts (a clock that was set back) count as 0.
struct Delays {
    std::int64_t before_active = 0;  // from arrival to the active queue
    std::int64_t in_active = 0;      // there, until an agent began
    std::int64_t connecting = 0;     // set-up of the connection, name service and greeting included
    std::int64_t transmitting = 0;   // the rest
};

struct Delivery {
    std::string_view program;  // whose line it is; empty: this process's
    std::string_view queue_id;
    std::string_view recipient;           // as address_text() has it
    std::string_view original_recipient;  // the same; left out if empty or the same as recipient
    std::string_view relay;
    unsigned connection_use = 0;  // shown from 2 on
    Delays delays;
    std::string_view code;    // "2.0.0"
    std::string_view status;  // "sent", "bounced", "deferred", ...
    std::string_view text;
};

// "QID: to=<R>[, orig_to=<O>], relay=REL[, conn_use=N], delay=D, delays=a/b/c/d, dsn=x.y.z, status=S (TEXT)"
void delivery(const Delivery& what);

// postconf(5) delay_logging_resolution_limit: digits behind the point, 0 to 6. 2 until it is set.
void set_delay_resolution(int digits);

// smtp(8), what happened to a message on its way: "QID: <text>" as an informational line of this program, for
//     host H[A] said: TEXT (in reply to CMD command)      (the recipient stays and another host is tried)
//     lost connection with H[A] while STAGE
//     conversation with H[A] timed out while STAGE
//     breaking line > N bytes with <CR><LF>SPACE
//     enabling PIX workarounds: disable_esmtp delay_dotcrlf for H[A]:P
void session_trouble(std::string_view queue_id, std::string_view text);
// "QID: <action>: <place> <text>[: <said>]": smtp_header_checks and its kind did something because of a line.
void sent_content_action(std::string_view queue_id, std::string_view action, std::string_view place,
                         std::string_view text, std::string_view said);
// "connect to H[A]:P: REASON"
void connect_failed(std::string_view text);

}  // namespace posthaste::log
