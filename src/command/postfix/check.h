// postfix check: everything that must be right before the start, each problem with its place and its remedy.
//
// Missing directories of the queue are made. What is wrong with existing ones is said, not changed: somebody may have
// meant it.
#pragma once

#include "command/postfix/control.h"

namespace posthaste::postfix {

// False if the mail system cannot start like this. Warnings do not count.
bool check(const Instance& instance);

}  // namespace posthaste::postfix
