// What a process that has given up root can never do again.
#pragma once

#include "base/result.h"

namespace posthaste::server {

// For processes that start no foreign programs: no exec can gain rights (no_new_privs), no core file with other
// people's mail. Called after the identity has changed.
Result<void> confine();

}  // namespace posthaste::server
