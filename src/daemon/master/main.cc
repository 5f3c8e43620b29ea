// master — see master.h, and check.h for the question of postfix check.
#include "daemon/master/check.h"
#include "daemon/master/master.h"
#include "daemon/master/sockets.h"

#include <string_view>

int main(int argc, char** argv)
{
    if (argc == 3 && std::string_view(argv[1]) == "check")
        return posthaste::master::check(std::string_view(argv[2]) == "starting" ? posthaste::master::start_patience
                                                                                : std::chrono::seconds(0));
    return posthaste::master::run(argc, argv);
}
