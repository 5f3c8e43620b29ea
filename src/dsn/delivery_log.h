// The files below bounce/, defer/ and trace/: one record per recipient, in Postfix's text format, so that both mail
// systems read each other's logs and people can read them, too.
//
//     <blank line>
//     <ann@there.test>: host there.test[192.0.2.1] said: 450 later
//     recipient=ann@there.test
//     original_recipient=...   dsn_orig_rcpt=...   notify_flags=...   status=4.0.0   action=delayed
//     diag_type=...   diag_text=...   mta_type=dns   mta_mname=...   time=...   reason=...     (one a line)
//     transport=...                                                        (ours: the service that tried)
//     <blank line>
//
// Pure functions. A record that was cut off by a crash is left out when its recipient is missing; of two records for
// one recipient the later counts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::dsn {

struct DeliveryRecord {
    std::string recipient;           // internal form
    std::string original_recipient;  // empty if the same
    std::string dsn_orcpt;           // "rfc822;user@domain", decoded
    std::uint8_t notify = 0;         // queue::Notify
    std::string action;              // "failed", "delayed", "delivered", ...
    std::string code;
    std::string reason;
    std::string remote_mta;
    std::string diagnostic_type;
    std::string diagnostic;
    std::int64_t time = 0;
    std::string transport;  // master.cf's name of the service; empty if nobody tried

    friend bool operator==(const DeliveryRecord&, const DeliveryRecord&) = default;
};

std::string format_record(const DeliveryRecord& record);
std::vector<DeliveryRecord> parse_delivery_log(std::string_view text);

}  // namespace posthaste::dsn
