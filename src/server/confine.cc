// confine.cc — see confine.h.
#include "server/confine.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace posthaste::server {

Result<void> confine()
{
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail_errno("no_new_privs");
    const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0)
        return fail_errno("core file limit");
    return {};
}

}  // namespace posthaste::server
