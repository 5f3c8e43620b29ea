// service.cc — see service.h.
//
// The message was opened before deliver() is called: one that cannot be read stays in the queue, so that a full or
// broken disk never turns into mail that was dropped without a trace.
#include "daemon/discard/service.h"

namespace posthaste::discard {

Task<server::Outcomes> Service::deliver(server::JobPtr job)
{
    // discard(8): the reason may begin with an enhanced status code.
    auto [code, reason] = dsn::split_code(job->request().nexthop, {2, 0, 0});
    co_return server::outcome_for_each(*job, dsn::Outcome::delivered(code.with_class(2), reason));
}

}  // namespace posthaste::discard
