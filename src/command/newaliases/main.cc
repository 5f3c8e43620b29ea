// newaliases(1): rebuilds the tables that alias_database names. The work is in table/tool_main.h.
#include "server/log_setup.h"
#include "table/tool_main.h"

int main(int argc, char** argv)
{
    using namespace posthaste;
    return table::newaliases_main({argv, argv + argc}, [](const config::Config& config, int verbosity) {
        server::set_up_log(config, {.program = "newaliases", .to_stderr = true, .verbosity = verbosity});
    });
}
