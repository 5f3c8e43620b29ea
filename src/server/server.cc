// server.cc — run(): the life of a service process from its command line to its exit, in the order that server.h
// promises.
#include "server/server.h"

#include "config/service_config.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/log.h"
#include "param/process.h"
#include "server/confine.h"
#include "server/debugger.h"
#include "server/identity.h"
#include "server/log_setup.h"
#include "server/name_conversion.h"
#include "server/options.h"
#include "server/runtime.h"
#include "table/followed_file.h"
#include "table/settings.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace posthaste::server {

namespace {

// main.cf for this process. Where it does not load, the reason goes where main.cf without the overrides of master.cf
// sends log lines.
Context::ConfigPtr load_config(const Context& context)
{
    config::LoadOptions options;
    options.overrides = context.overrides;
    options.process_name = context.process_name;
    options.service_name = context.service_name;
    auto config = config::load(options);
    if (config)
        return *config;
    options.overrides.clear();
    if (auto plain = config::load_what_can_be_read(options))
        set_up_log(**plain, {.program = context.process_name, .to_stderr = context.stand_alone});
    log::fatal("{}", config.error().text());
}

void set_up_log(const Context& context)
{
    LogSetup setup;
    setup.program = context.process_name;
    setup.to_stderr = context.stand_alone;
    setup.verbosity = context.verbosity;
    setup.in_queue_directory = true;
    if (context.config->raw("syslog_name") && !context.overrides.empty()) {
        // -o syslog_name=postfix/submission is this service's name, not that of the cleanup inside of it.
        config::LoadOptions options = context.load_options();
        options.overrides.clear();
        options.bad_values = config::BadValues::Collect;
        if (auto plain = config::load(options))
            setup.shared_tag = (*plain)->get(param::syslog_name);
    }
    set_up_log(*context.config, setup);
}

void must(const Result<void>& result)
{
    if (!result)
        log::fatal("{}", result.error().text());
}

void fill(Context& context, DaemonOptions options)
{
    context.process_name = std::move(options.process_name);
    context.service_name = std::move(options.service_name);
    context.service_type = std::move(options.service_type);
    context.arguments = std::move(options.arguments);
    context.overrides = std::move(options.overrides);
    context.verbosity = options.verbosity;
    context.stand_alone = options.stand_alone;
    context.root = ::geteuid() == 0;
}

// Master works in the queue directory when it starts a process. If that is another one now, somebody has replaced it:
// this process would serve one queue's sockets and work in the other queue.
void enter_queue_directory(const Context& context)
{
    const std::string& queue = context.config->get(param::queue_directory);
    struct stat of_master{};
    struct stat of_ours{};
    const bool known = !context.stand_alone && ::stat(".", &of_master) == 0;
    const bool entered = ::chdir(queue.c_str()) == 0 && ::stat(".", &of_ours) == 0;
    const int error = errno;
    if (entered && (!known || (of_master.st_ino == of_ours.st_ino && of_master.st_dev == of_ours.st_dev)))
        return;
    server::set_up_log(*context.config, {.program = context.process_name, .to_stderr = context.stand_alone});
    if (!entered)
        log::fatal("chdir {}: {}", queue, std::strerror(error));
    log::fatal("queue_directory {} is not the one that master was started with: stop and start the mail system", queue);
}

// What tables are asked for with, in this process: what keeps root trusts no other process with tables.
void set_table_options(const Context& context, const DaemonOptions& wanted)
{
    const auto user = wanted.unprivileged ? table::ProxyUser::Service : table::ProxyUser::Itself;
    table::use_main_cf(context.config, user);
}

// A table file, certificate or key that has changed and cannot be opened any more: a successor can.
void follow_tables_from_outside(Context& context)
{
    table::confine(context.chrooted ? table::Confinement::Jail : table::Confinement::Rights,
                   [&context](std::string_view path) {
                       if (!context.is_leaving())
                           log::info("table file {} has changed -- restarting", path);
                       context.leave();
                   });
}

// The named moment: after this line the process has no rights but those of mail_owner, and no file system but the
// queue.
void give_up_root(Context& context, const DaemonOptions& wanted)
{
    if (!context.root)
        return;
    std::string queue_directory = context.config->get(param::queue_directory);
    auto owner = find_user(context.config->get(param::mail_owner));
    if (!owner)
        log::fatal("mail_owner: {}", owner.error().text());
    if (wanted.chrooted)
        must(enter_jail(queue_directory));
    context.chrooted = wanted.chrooted;
    if (wanted.unprivileged) {
        must(become(*owner));
        must(confine());
    }
    context.unprivileged = wanted.unprivileged;
    if (context.is_confined())
        follow_tables_from_outside(context);
}

}  // namespace

int run(int argc, char** argv, MakeService make)
{
    ::signal(SIGPIPE, SIG_IGN);
    auto options = parse_options(argc, argv);
    if (!options)
        log::fatal("{}", options.error().text());
    DaemonOptions wanted = *options;
    Context context;
    fill(context, std::move(*options));
    context.config = load_config(context);
    ::umask(077);
    enter_queue_directory(context);
    set_up_log(context);
    if (wanted.debugger)
        run_debugger(*context.config);
    set_name_conversion(*context.config);
    set_table_options(context, wanted);
    auto [service, hooks] = make(context);
    Hooks moments = hooks;
    Runtime runtime(context, std::move(hooks));
    if (!wanted.stand_alone)
        must(runtime.meet_master());
    // Those that a reload opens end nobody in the middle of his work.
    table::set_open_errors_fatal(context.config->get(param::daemon_table_open_error_is_fatal));
    if (moments.before_jail)
        must(moments.before_jail());
    table::set_open_errors_fatal(false);
    log::open_before_jail();
    give_up_root(context, wanted);
    if (moments.after_jail)
        must(moments.after_jail());

    log::batch_in_loop();
    net::Loop::current().on_signal(SIGTERM, [&context](int) { context.leave(Leaving::Soon); });
    if (wanted.stand_alone)
        runtime.serve_standard_input();
    else
        runtime.serve_sockets(wanted.listen_sockets);
    log::flush();
    return EXIT_SUCCESS;
}

}  // namespace posthaste::server
