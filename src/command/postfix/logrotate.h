// postfix logrotate: renames maillog_file, makes the mail system open a new one, compresses the old one.
#pragma once

#include "command/postfix/control.h"

namespace posthaste::postfix {

int logrotate(const Instance& instance);

}  // namespace posthaste::postfix
