// client_prefix.cc — see client_prefix.h.
#include "daemon/smtpd/client_prefix.h"

#include "daemon/smtpd/client.h"
#include "param/smtpd.h"

namespace posthaste::smtpd {

std::string counted_network(const config::Config& config, std::string_view address)
{
    return client_network(address, static_cast<unsigned>(config.get(param::smtpd_client_ipv4_prefix_length)),
                          static_cast<unsigned>(config.get(param::smtpd_client_ipv6_prefix_length)));
}

}  // namespace posthaste::smtpd
