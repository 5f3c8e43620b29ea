// master.cc — options, lock, background, signals; everything that concerns services is supervisor.cc.
#include "daemon/master/master.h"

#include "base/text.h"
#include "daemon/master/environment.h"
#include "daemon/master/supervisor.h"
#include "log/events_master.h"
#include "log/log.h"
#include "net/tcp_window.h"
#include "param/basics.h"
#include "param/process.h"
#include "server/debugger.h"
#include "server/identity.h"
#include "server/log_setup.h"
#include "server/master_lock.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace posthaste::master {

namespace {

constexpr int start_timeout = 60'000;  // milliseconds that -w waits for the start

struct Options {
    std::string config_directory;
    std::optional<int> exit_after;  // -e, seconds
    bool wait_for_start = false;    // -w: into the background
    bool debug = false;             // -d: the log on standard error, too
    bool debugger = false;          // -D
    bool keep_output = false;       // -s, -i, -d
    bool is_init = false;           // -i
    bool test = false;              // -t
    int verbosity = 0;
};

Options parse_options(int argc, char** argv)
{
    Options options;
    for (int option; (option = ::getopt(argc, argv, "c:Dde:istvw")) != -1;) {
        switch (option) {
        case 'c': options.config_directory = ::optarg; break;
        case 'D': options.debugger = true; break;
        case 'd': options.debug = options.keep_output = true; break;
        case 'e':
            options.exit_after = parse_number<int>(::optarg);
            if (!options.exit_after || *options.exit_after < 0)
                log::fatal("-e {}: a number of seconds expected", ::optarg);
            break;
        case 'i': options.is_init = options.keep_output = true; break;
        case 's': options.keep_output = true; break;
        case 't': options.test = true; break;
        case 'v': ++options.verbosity; break;
        case 'w': options.wait_for_start = true; break;
        default:
            log::fatal("usage: {} [-c config_dir] [-d (debug)] [-e exit_time] [-i (init)] [-s (stdout)] [-t (test)] "
                       "[-v] [-w (wait)]",
                       argv[0]);
        }
    }
    if (options.is_init && ::getpid() != 1)
        log::fatal("-i is only for the process with id 1; this one has {}", ::getpid());
    return options;
}

// With -w the caller waits until the mail system runs. Returns in the new background process the descriptor to which
// success is told; the caller's process ends here.
UniqueFd go_to_background()
{
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
        log::fatal("pipe: {}", std::strerror(errno));
    pid_t pid = ::fork();
    if (pid < 0)
        log::fatal("fork: {}", std::strerror(errno));
    if (pid == 0) {
        ::close(pipe[0]);
        log::after_fork();
        return UniqueFd(pipe[1]);
    }
    ::close(pipe[1]);
    pollfd ready{.fd = pipe[0], .events = POLLIN, .revents = 0};
    char success = 0;
    if (::poll(&ready, 1, start_timeout) > 0 && ::read(pipe[0], &success, 1) == 1)
        std::_Exit(EXIT_SUCCESS);
    log::fatal("master did not start: its log says why");
}

// Exit status of -t: 0 if no mail system runs.
int test_lock()
{
    auto holder = server::lock_holder(server::master_pid_file);
    if (!holder)
        log::fatal("{}", holder.error().text());
    return *holder ? EXIT_FAILURE : EXIT_SUCCESS;
}

UniqueFd take_lock(const std::string& path)
{
    auto lock = server::lock_exclusively(path);
    if (!lock && lock.error().kind() == ErrorKind::Exists)
        log::fatal("the Postfix mail system is already running ({})", lock.error().text());
    if (!lock)
        log::fatal("{}: does the directory exist and belong to the right user? See \"postfix check\"",
                   lock.error().text());
    return std::move(*lock);
}

// data_directory is mail_owner's, and so is the lock in it: a Postfix that comes after us opens it with those rights.
void give_to_mail_owner(int lock, const config::Config& config)
{
    if (::geteuid() != 0)
        return;
    auto owner = server::find_user(config.get(param::mail_owner));
    if (!owner || ::fchown(lock, owner->uid, owner->gid) != 0)
        log::warning("{} belongs to root: mail_owner could not be made its owner", server::master_lock_file);
}

// `postfix reload` waits until the modification time of pid/master.pid changes.
void tell_reload_done(int lock) { ::futimens(lock, nullptr); }

void follow_signals(Supervisor& supervisor, int lock)
{
    net::Loop& loop = net::Loop::current();
    auto terminate = [&supervisor](int number) {
        log::terminating(number);
        supervisor.stop();
    };
    loop.on_signal(SIGTERM, terminate);
    loop.on_signal(SIGINT, terminate);
    loop.on_signal(SIGQUIT, [&supervisor](int number) {
        log::terminating(number);
        supervisor.abort();
    });
    loop.on_signal(SIGHUP, [&supervisor, lock](int) { supervisor.reload([lock] { tell_reload_done(lock); }); });
    loop.on_signal(SIGCHLD, [&supervisor](int) { supervisor.reap(); });
}

std::shared_ptr<const config::Config> load_config(const Options& options)
{
    config::LoadOptions load;
    load.config_directory = options.config_directory;
    load.process_name = "master";
    auto config = config::load(load);
    if (!config)
        log::fatal("{}", config.error().text());
    return *config;
}

void set_up_log(const config::Config& config, const Options& options, bool to_stderr)
{
    server::set_up_log(config, {.program = "master",
                                .to_stderr = to_stderr,
                                .verbosity = options.verbosity,
                                .in_queue_directory = true,
                                .wait_for_reader = false});
}

void say_started(UniqueFd waiting)
{
    if (waiting)
        static_cast<void>(write_fully(waiting.get(), "1"));
}

}  // namespace

int run(int argc, char** argv)
{
    ::signal(SIGPIPE, SIG_IGN);
    ::umask(077);
    log::init({.program = "master"});
    Options options = parse_options(argc, argv);
    auto config = load_config(options);
    if (::chdir(config->get(param::queue_directory).c_str()) != 0)
        log::fatal("queue_directory: chdir {}: {}", config->get(param::queue_directory), std::strerror(errno));
    if (options.test)
        return test_lock();
    set_up_log(*config, options, true);

    UniqueFd waiting = options.wait_for_start ? go_to_background() : UniqueFd();
    if (!options.is_init)
        ::setsid();
    UniqueFd pid_lock = take_lock(server::master_pid_file);
    UniqueFd data_lock = take_lock(config->get(param::data_directory) + "/" + server::master_lock_file);
    give_to_mail_owner(data_lock.get(), *config);
    raise_limits();
    if (auto cleaned = clean_environment(*config); !cleaned)
        log::fatal("import_environment: {}", cleaned.error().text());
    if (options.debugger)
        server::run_debugger(*config);
    net::set_tcp_window(config->get(param::tcp_windowsize));

    Supervisor supervisor(config, options.verbosity);
    follow_signals(supervisor, pid_lock.get());
    if (auto started = supervisor.start(); !started)
        log::fatal("{}", started.error().text());
    set_up_log(*config, options, options.debug);
    log::daemon_started(config->get(param::mail_version), config->directory());
    detach_standard_files(options.keep_output ? Output::Keep : Output::Discard);
    say_started(std::move(waiting));
    log::batch_in_loop();

    net::Timer exit_timer([&supervisor] { supervisor.stop(); });
    if (options.exit_after)
        exit_timer.start(net::Clock::now() + std::chrono::seconds(*options.exit_after));
    net::Loop::current().run();
    log::flush();
    return EXIT_SUCCESS;
}

}  // namespace posthaste::master
