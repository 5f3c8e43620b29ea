// child.h — a child process for one delivery that changes identity.
//
// The effective user of a process with several deliveries in flight would be a race, and POSIX locks do not hold
// between coroutines. So the work runs in a forked child that first gives up root for good. The child reads the
// message through the memory that it inherited; it reports one outcome through a pipe and leaves with _exit().
// It asks no name service: who it becomes, its parent has found out, and of groups it has the user's primary one only.
#pragma once

#include "base/result.h"
#include "dsn/outcome.h"
#include "net/task.h"

#include <chrono>
#include <functional>
#include <string>
#include <sys/types.h>

namespace posthaste::mailbox {

// Who a delivery runs as.
struct Account {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::string home;
    std::string shell;
};

// getpwnam, getpwuid on the thread pool. NotFound: certain that there is no such user; Temporary: the database did not
// answer.
Task<Result<Account>> find_account(std::string name);
Task<Result<Account>> find_account(uid_t uid);

// Runs the work in a child as this account and returns its outcome. Deferred: no child could be made, it died, or it
// took longer than the limit (it is killed with everything it started). Without root only one's own account can be
// had: any other is deferred, never run as oneself. extra_group: a group to keep, such as that of the mail spool.
Task<dsn::Outcome> run_as(Account account, std::chrono::seconds limit, std::function<dsn::Outcome()> work,
                          gid_t extra_group = static_cast<gid_t>(-1));

}  // namespace posthaste::mailbox
