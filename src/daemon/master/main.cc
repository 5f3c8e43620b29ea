// master — see master.h, and check.h for the question of postfix check.
#include "daemon/master/check.h"
#include "daemon/master/master.h"

#include <string_view>

int main(int argc, char** argv)
{
    if (argc == 3 && std::string_view(argv[1]) == "check")
        return posthaste::master::check(argv[2]);
    return posthaste::master::run(argc, argv);
}
