// master(8): from the command line to the running mail system.
#pragma once

namespace posthaste::master {

int run(int argc, char** argv);

}  // namespace posthaste::master
