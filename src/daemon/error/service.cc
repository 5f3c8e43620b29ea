// service.cc — see service.h.
#include "daemon/error/service.h"

namespace posthaste::error {

dsn::Outcome outcome_for(std::string_view service_name, std::string_view nexthop)
{
    // error(8): the service called "retry" puts off, every other one returns the mail.
    bool bounces = service_name != "retry";
    auto [code, reason] = dsn::split_code(nexthop, bounces ? dsn::Code{5, 0, 0} : dsn::Code{4, 0, 0});
    return bounces ? dsn::Outcome::bounced(code, reason) : dsn::Outcome::deferred(code, reason);
}

Task<server::Outcomes> Service::deliver(server::JobPtr job)
{
    co_return server::outcome_for_each(*job, outcome_for(context().service_name, job->request().nexthop));
}

}  // namespace posthaste::error
