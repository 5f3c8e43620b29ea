// postmap(1): makes, changes and queries lookup tables. The work is in table/tool_main.h.
#include "server/log_setup.h"
#include "table/tool_main.h"

int main(int argc, char** argv)
{
    using namespace posthaste;
    return table::tool_main(
        table::Dialect::Postmap, {argv, argv + argc}, [](const config::Config& config, int verbosity) {
            server::set_up_log(config, {.program = "postmap", .to_stderr = true, .verbosity = verbosity});
        });
}
