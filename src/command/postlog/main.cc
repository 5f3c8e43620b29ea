// postlog(1): a line in the mail log, for scripts. One argument list is one line; without arguments, each line of
// standard input is. Runs set-gid setgid_group so that it reaches postlogd's socket.
#include "base/fd.h"
#include "log/log.h"
#include "log/unwritten.h"
#include "param/log.h"
#include "server/command_config.h"
#include "server/log_setup.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace posthaste::postlog {

namespace {

constexpr const char* usage = "usage: postlog [-iv] [-c config_dir] [-p priority] [-t tag] [text...]";

std::optional<log::Severity> severity_of(std::string_view name)
{
    struct Priority {
        std::string_view name;
        log::Severity severity;
    };
    static constexpr std::array priorities{
        Priority{"info", log::Severity::Info},       Priority{"warn", log::Severity::Warning},
        Priority{"warning", log::Severity::Warning}, Priority{"error", log::Severity::Error},
        Priority{"fatal", log::Severity::Fatal},     Priority{"panic", log::Severity::Panic}};
    for (const Priority& priority : priorities)
        if (priority.name == name)
            return priority.severity;
    return std::nullopt;
}

struct Options {
    std::string config_directory;
    std::string tag;
    log::Severity severity = log::Severity::Info;
    int verbosity = 0;
};

Options parse_options(int argc, char** argv)
{
    Options options;
    for (int option; (option = ::getopt(argc, argv, "+c:ip:t:v")) != -1;) {
        switch (option) {
        case 'c': options.config_directory = ::optarg; break;
        case 'i': break;  // the process id is always there
        case 'p':
            if (auto severity = severity_of(::optarg))
                options.severity = *severity;
            else
                log::fatal("unknown priority \"{}\": info, warn, error, fatal or panic expected", ::optarg);
            break;
        case 't': options.tag = ::optarg; break;
        case 'v': ++options.verbosity; break;
        default: log::fatal("{}", usage);
        }
    }
    return options;
}

void set_up_log(const Options& options)
{
    auto config = server::load_command_config("postlog", options.config_directory);
    if (!config)
        log::fatal("{}", config.error().text());
    std::string tag = options.tag.empty() ? (*config)->get(param::syslog_name) + "/postlog" : options.tag;
    server::set_up_log(**config,
                       {.tag = tag, .to_stderr = ::isatty(STDERR_FILENO) == 1, .verbosity = options.verbosity});
}

void write_standard_input(log::Severity severity)
{
    for (std::string line; std::getline(std::cin, line);)
        log::write(severity, line);
}

int tell_loss(const std::string& file)
{
    static_cast<void>(write_fully(STDERR_FILENO, "postlog: fatal: not logged: postlogd does not take it, and " + file +
                                                     " cannot be written\n"));
    return EXIT_FAILURE;
}

int run(int argc, char** argv)
{
    log::init({.program = "postlog", .to_log = false});
    Options options = parse_options(argc, argv);
    set_up_log(options);
    if (::optind == argc) {
        write_standard_input(options.severity);
    } else {
        std::string text = argv[::optind];
        for (int i = ::optind + 1; i < argc; ++i)
            text.append(" ").append(argv[i]);
        log::write(options.severity, text);
    }
    log::flush();
    // To syslog(3) everything is written: as in Postfix, a machine without one is no error.
    if (const std::string& file = log::options().maillog_file; !file.empty() && log::has_unwritten())
        return tell_loss(file);
    if (options.severity >= log::Severity::Fatal)
        std::this_thread::sleep_for(std::chrono::seconds(1));  // postlog(1): as every program after such a line
    return EXIT_SUCCESS;
}

}  // namespace

}  // namespace posthaste::postlog

int main(int argc, char** argv) { return posthaste::postlog::run(argc, argv); }
