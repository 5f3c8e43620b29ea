// route.cc — see route.h.
#include "routing/route.h"

namespace posthaste::routing {

std::string_view name(AddressClass address_class)
{
    switch (address_class) {
    case AddressClass::Local: return "local";
    case AddressClass::VirtualAlias: return "virtual alias";
    case AddressClass::VirtualMailbox: return "virtual mailbox";
    case AddressClass::Relay: return "relay";
    case AddressClass::Default: return "default";
    }
    return "default";
}

}  // namespace posthaste::routing
