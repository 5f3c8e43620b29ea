// Users and groups, and giving up root: looked up before the jail, used in the moment between before_jail and
// after_jail.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <optional>
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

// Commands of users must not have the rights of the mail system, and so of its queue: those of root, of mail_owner and
// of setgid_group. An ordinary user, as whom everything runs, shares all of his but root's.
class MailSystemRights {
public:
    // Asks the user database, once: before clients are served.
    static MailSystemRights of(const config::Config& config);
    // Empty: the account has none of them; otherwise whose it has, as pipe(8) says it: "root privileges", "mail system
    // owner postfix".
    [[nodiscard]] std::string held_by(const Identity& account) const;

private:
    std::optional<Identity> owner_;
    std::optional<gid_t> group_;
    std::string group_name_;
};

// chroot(2) to directory and its working directory.
Result<void> enter_jail(const std::string& directory);
// Becomes this user for good: supplementary groups, group, user; checks that there is no way back.
Result<void> become(const Identity& identity);

}  // namespace posthaste::server
