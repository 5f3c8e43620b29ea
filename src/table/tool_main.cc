// tool_main.cc — see tool_main.h.
#include "table/tool_main.h"

#include "log/log.h"
#include "param/basics.h"
#include "param/services.h"
#include "param/tables.h"
#include "table/settings.h"

#include <cstdio>
#include <fmt/format.h>

namespace posthaste::table {

namespace {

Result<ToolSettings> settings_of(const std::shared_ptr<const config::Config>& main_cf)
{
    use_main_cf(main_cf, ProxyUser::Command);
    const config::Config& config = *main_cf;
    return ToolSettings{.default_database_type = config.get(param::default_database_type),
                        .berkeley_db_create_buffer_size =
                            static_cast<std::size_t>(config.get(param::berkeley_db_create_buffer_size)),
                        .lmdb_map_size = static_cast<std::size_t>(config.get(param::lmdb_map_size)),
                        .smtputf8_enable = config.get(param::smtputf8_enable),
                        .myhostname = config.get(param::myhostname),
                        .opening = process_options(),
                        .proxywrite_socket = fmt::format("{}/private/{}", config.get(param::queue_directory),
                                                         config.get(param::proxywrite_service_name))};
}

// Until main.cf is read, messages go to the terminal only.
void begin_log(std::string_view program)
{
    log::init({.program = std::string(program), .to_stderr = true, .to_log = false});
}

Result<std::shared_ptr<const config::Config>> read_config(const std::string& directory, std::string_view program,
                                                          int verbosity, const SetUpLog& set_up_log)
{
    TRY(auto config, config::load({.config_directory = directory, .process_name = std::string(program)}));
    set_up_log(*config, verbosity);
    return config;
}

Result<bool> perform(Dialect dialect, std::string_view program, const std::vector<std::string>& arguments,
                     const SetUpLog& set_up_log)
{
    TRY(ToolOptions options, parse_tool_options(dialect, arguments));
    TRY(auto config, read_config(options.config_directory, program, options.verbosity, set_up_log));
    TRY(ToolSettings settings, settings_of(config));
    return run_tool(options, settings, {});
}

// A usage error has what is wrong on a line of its own.
void report(std::string_view program, const Error& error)
{
    std::string_view text = error.text();
    if (std::size_t end = text.find('\n'); end != std::string_view::npos) {
        fmt::print(stderr, "{}: {}\n", program, text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    log::write(log::Severity::Fatal, text);
}

int exit_status(std::string_view program, const Result<bool>& done)
{
    if (!done)
        report(program, done.error());
    log::flush();
    return done && *done ? 0 : 1;
}

}  // namespace

int tool_main(Dialect dialect, const std::vector<std::string>& arguments, const SetUpLog& set_up_log)
{
    const std::string_view program = dialect == Dialect::Postmap ? "postmap" : "postalias";
    begin_log(program);
    return exit_status(program, perform(dialect, program, arguments, set_up_log));
}

}  // namespace posthaste::table
