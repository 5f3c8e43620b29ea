// content_filter.cc — see content_filter.h.
#include "routing/content_filter.h"

#include "address/local_part.h"
#include "base/trace.h"
#include "routing/unwrap.h"

namespace posthaste::routing {

void apply_filter(std::string_view filter, std::string_view default_filter_nexthop, Route* route)
{
    if (filter.empty())
        return;
    TransportAndNexthop parsed = parse_transport(filter);
    if (parsed.transport.empty())
        return;
    trace::Step step("content_filter", route->recipient);
    step.result(filter);
    route->transport = std::move(parsed.transport);
    if (!parsed.nexthop.empty())
        route->nexthop = std::move(parsed.nexthop);
    else if (!default_filter_nexthop.empty())
        route->nexthop = default_filter_nexthop;
    else
        route->nexthop = address::split_at_domain(route->recipient).domain;
}

}  // namespace posthaste::routing
