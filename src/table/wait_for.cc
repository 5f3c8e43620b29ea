// wait_for.cc — see wait_for.h.
#include "table/wait_for.h"

#include "net/tasks.h"

namespace posthaste::table {

namespace {
net::Task<Answer> finish(Lookup lookup) { co_return co_await std::move(lookup); }
}  // namespace

Answer wait_for(Lookup lookup)
{
    return lookup.ready() ? lookup.take_ready() : net::run_until_done(finish(std::move(lookup)));
}

}  // namespace posthaste::table
