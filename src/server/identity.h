// Users and groups, and giving up root: looked up before the jail, used in the moment between before_jail and
// after_jail.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <string>
#include <sys/types.h>

namespace posthaste::server {

struct Identity {
    std::string user;
    uid_t uid = 0;
    gid_t gid = 0;
};

// The account of this name. NotFound: certain that there is none; Temporary: the user database did not answer.
Result<Identity> find_user(const std::string& name);
Result<gid_t> find_group(const std::string& name);

// Commands of users must not have the rights of the mail system, and so of its queue. Empty: this account has none of
// them; otherwise whose it has, as pipe(8) says it: "root privileges", "mail system owner postfix". An ordinary user,
// as whom everything runs, may be asked for as well.
std::string rights_of_mail_system(const Identity& account, const config::Config& config);

// chroot(2) to directory and its working directory.
Result<void> enter_jail(const std::string& directory);
// Becomes this user for good: supplementary groups, group, user; checks that there is no way back.
Result<void> become(const Identity& identity);

}  // namespace posthaste::server
