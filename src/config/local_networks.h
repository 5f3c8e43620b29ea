// The networks that this machine is attached to: the default of mynetworks.
#pragma once

#include <string>
#include <string_view>

namespace posthaste::config {

struct NetworkSelection {
    std::string_view style;       // mynetworks_style: host, subnet, class; host counts for anything else
    std::string_view interfaces;  // inet_interfaces
    std::string_view protocols;   // inet_protocols
};

// "127.0.0.0/8 192.0.2.0/24 [::1]/128", in the order of the system's interfaces, IPv4 first.
// Names in inet_interfaces are resolved with the system's resolver; one that is not found selects nothing.
std::string local_networks(const NetworkSelection& selection);

}  // namespace posthaste::config
