// content_filter.h — a filter takes the place of the transport that routing has chosen: postconf(5) content_filter,
// FILTER in access(5) and header_checks(5).
#pragma once

#include "routing/route.h"

#include <string_view>

namespace posthaste::routing {

// filter: "transport:nexthop"; empty: nothing changes. Without a nexthop it is default_filter_nexthop, or where that is
// empty the recipient's domain.
void apply_filter(std::string_view filter, std::string_view default_filter_nexthop, Route* route);

}  // namespace posthaste::routing
