// postfix check: everything that must be right before the start, each problem with its place and its remedy.
//
// Missing directories of the queue are made. What is wrong with existing ones is said, not changed: somebody may have
// meant it.
#pragma once

#include "command/postfix/control.h"

#include <cstdint>
#include <string_view>

namespace posthaste::postfix {

// False if the mail system cannot start like this. Warnings do not count.
bool check(const Instance& instance);

// The name of a file system that writes each change to a new place, by its magic number (statfs(2)); empty for others.
std::string_view copy_on_write_file_system(std::uint32_t type);

}  // namespace posthaste::postfix
