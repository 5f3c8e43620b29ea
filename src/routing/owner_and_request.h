// postconf(5) owner_request_special: whether owner-list and list-request are names of their own, also where '-' is a
// recipient delimiter.
#pragma once

#include "address/local_part.h"
#include "config/config.h"
#include "param/basics.h"

namespace posthaste::routing {

inline address::OwnerAndRequest owner_and_request(const config::Config& config)
{
    return config.get(param::owner_request_special) ? address::OwnerAndRequest::Special
                                                    : address::OwnerAndRequest::Ordinary;
}

}  // namespace posthaste::routing
