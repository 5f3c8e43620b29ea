// pix.h — what is done for servers behind an old Cisco PIX firewall, whose "smtp fixup" breaks ESMTP and the end of a
// message that comes in two packets. postconf(5) smtp_pix_workarounds, smtp_pix_workaround_maps.
//
// Such a server is known by its greeting, in which the firewall leaves nothing but asterisks, or by its address.
#pragma once

#include "net/task.h"
#include "table/maps.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace posthaste::smtp_client {

struct PixWorkarounds {
    bool disable_esmtp = false;  // HELO instead of EHLO; LMTP: no extension of LHLO is used
    bool delay_dotcrlf = false;  // a pause before the final dot
    friend bool operator==(const PixWorkarounds&, const PixWorkarounds&) = default;
};

// Life time: the process.
struct PixSettings {
    PixWorkarounds usual;                     // for servers with such a greeting
    std::shared_ptr<table::Maps> by_address;  // these count instead, whatever the greeting
    std::chrono::seconds threshold{500};      // mail that is younger goes without a pause
    std::chrono::seconds delay{10};
};

// Words separated by commas and blanks, in any case; a warning names the parameter of one that does not exist.
PixWorkarounds parse_pix_workarounds(std::string_view words, std::string_view parameter);
// Whether the reply, code included, is a greeting that such a firewall has changed.
bool is_pix_greeting(std::string_view greeting);
// What this server needs; the settings outlive the call.
Task<PixWorkarounds> find_pix_workarounds(const PixSettings* settings, std::string address, std::string greeting);

}  // namespace posthaste::smtp_client
