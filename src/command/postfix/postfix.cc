// postfix.cc — the command line; what the words do is control.cc, check.cc and logrotate.cc.
#include "command/postfix/postfix.h"

#include "command/postfix/check.h"
#include "command/postfix/control.h"
#include "command/postfix/logrotate.h"
#include "config/service_config.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/log.h"
#include "server/command_config.h"
#include "server/log_setup.h"
#include "table/settings.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unistd.h>

namespace posthaste::postfix {

namespace {

constexpr const char* usage = "usage: postfix [-c config_dir] [-Dv] command, or postfix check --json";
constexpr const char* commands = "start, start-fg, stop, reload, status, check, flush, abort, logrotate";

void set_up_log(const config::Config& config, int verbosity)
{
    server::set_up_log(
        config, {.tag = config.get(param::syslog_name) + "/postfix-script", .to_stderr = true, .verbosity = verbosity});
}

int dispatch(const Instance& instance, std::string_view command)
{
    if (command == "check")
        return check(instance, state_of(instance)) < Severity::Error ? EXIT_SUCCESS : EXIT_FAILURE;
    if (const auto missing = missing_queue_directory(*instance.config))
        log::fatal("{}", to_text(*missing));
    if (command == "start")
        return start(instance, Foreground::No);
    if (command == "start-fg")
        return start(instance, Foreground::Yes);
    if (command == "stop")
        return stop(instance);
    if (command == "abort")
        return abort(instance);
    if (command == "reload")
        return reload(instance);
    if (command == "status")
        return status(instance);
    if (command == "flush")
        return flush(instance);
    if (command == "logrotate")
        return logrotate(instance);
    log::fatal("unknown command \"{}\" (there are: {})", command, commands);
}

// main.cf cannot be used: said on the terminal, and in the log that it still names.
[[noreturn]] void refuse(const Error& error, const std::string& config_directory, std::string_view command)
{
    config::LoadOptions options{.config_directory = config_directory, .process_name = "postfix"};
    if (auto config = config::load_what_can_be_read(options))
        set_up_log(**config, 0);
    log::fatal("{}{}", error.text(),
               command == "reload" ? "; nothing is reloaded, the processes that run keep their old settings" : "");
}

}  // namespace

int run(int argc, char** argv)
{
    log::init({.program = "postfix", .to_log = false});
    std::string config_directory;
    int verbosity = 0;
    for (int option; (option = ::getopt(argc, argv, "+c:Dv")) != -1;) {
        switch (option) {
        case 'c': config_directory = ::optarg; break;
        case 'D': break;
        case 'v': ++verbosity; break;
        default: log::fatal("{}", usage);
        }
    }
    const bool as_json = ::optind + 2 == argc && std::string_view(argv[::optind]) == "check" &&
                         std::string_view(argv[::optind + 1]) == "--json";
    if (::optind + 1 != argc && !as_json)
        log::fatal("{} (there are: {})", usage, commands);
    auto config = server::load_command_config("postfix", config_directory);
    if (!config && as_json)
        return refusal_as_json(config_directory, config.error());
    if (!config)
        refuse(config.error(), config_directory, argv[::optind]);
    set_up_log(**config, verbosity);
    const Instance instance{.config = std::move(*config), .verbosity = verbosity};
    table::use_main_cf(instance.config, table::ProxyUser::Itself);
    ::setenv("MAIL_CONFIG", instance.config->directory().c_str(), 1);
    return as_json ? check_as_json(instance) : dispatch(instance, argv[::optind]);
}

}  // namespace posthaste::postfix
