// client_prefix.h — what anvil(8) counts a client under.
#pragma once

#include "config/config.h"

#include <string>
#include <string_view>

namespace posthaste::smtpd {

// The network of the client's address that smtpd_client_ipv4_prefix_length or smtpd_client_ipv6_prefix_length says.
std::string counted_network(const config::Config& config, std::string_view address);

}  // namespace posthaste::smtpd
