// How addresses are written in log lines (postconf(5) info_log_address_format).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::log {

enum class AddressForm : std::uint8_t {
    External,  // the local part quoted where a message would need it: "a b"@example.com
    Internal,  // never quoted: a b@example.com
};

// External until it is set.
void set_address_form(AddressForm form);

// An address in internal form, as lines show it.
std::string address_text(std::string_view address);

}  // namespace posthaste::log
