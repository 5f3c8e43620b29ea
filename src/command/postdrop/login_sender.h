// login_sender.h — which envelope senders may the user of postdrop(1) have? postconf(5) local_login_sender_maps.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <memory>
#include <string>
#include <string_view>

namespace posthaste::command::postdrop {

// The login name of the real user; "uid:" and the number where the user database has none.
std::string login_name();

// A sender in internal form, without regard to its address extension. Temporary: a table cannot tell.
Result<bool> may_use_sender(const std::shared_ptr<const config::Config>& config, const std::string& login,
                            std::string_view sender);

}  // namespace posthaste::command::postdrop
