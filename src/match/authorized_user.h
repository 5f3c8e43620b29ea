// authorized_user.h — may the user who runs a set-gid command use it? postconf(5) authorized_submit_users,
// authorized_mailq_users, authorized_flush_users.
//
// The real user counts, because the program runs with another group. Whom the user database does not know is
// "unknown". For programs with one thread.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace posthaste::match {

std::string real_user_name();

// Invalid: the parameter's value is no list. Unsupported: it needs a network table, and a command does not wait for
// one. Temporary: a table failed. The text names the parameter.
Result<bool> is_real_user_in(std::string_view parameter, const std::string& list_text);

}  // namespace posthaste::match
