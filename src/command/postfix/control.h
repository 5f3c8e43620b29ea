// What postfix(1) does to the running mail system. All return the exit status.
#pragma once

#include "config/config.h"

#include <memory>

namespace posthaste::postfix {

struct Instance {
    std::shared_ptr<const config::Config> config;
    int verbosity = 0;
};

enum class Foreground : unsigned char { No, Yes };
int start(const Instance& instance, Foreground foreground);
// Waits until the last process has ended; after stop_patience what is left is killed.
int stop(const Instance& instance);
int abort(const Instance& instance);
int reload(const Instance& instance);
int status(const Instance& instance);
int flush(const Instance& instance);
bool is_running(const Instance& instance);

}  // namespace posthaste::postfix
