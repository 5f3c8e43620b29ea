// postlock.cc — see postlock.h.
#include "command/postlock/postlock.h"

#include "base/fd.h"
#include "log/log.h"
#include "mailbox/lock.h"
#include "param/local.h"
#include "server/command_config.h"
#include "server/patient_fork.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

namespace posthaste::command::postlock {

namespace {

constexpr std::string_view usage = "usage: postlock [-c config_dir] [-l lock_style] [-v] folder command...";
constexpr std::array forwarded_signals{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

volatile std::sig_atomic_t child_id = 0;

void forward(int signal_number)
{
    if (child_id > 0)
        ::kill(child_id, signal_number);
}

[[noreturn]] void give_up(std::string_view text)
{
    log::write(log::Severity::Fatal, text);
    log::flush();
    std::exit(EX_TEMPFAIL);
}

struct Options {
    std::string config_directory;
    std::string lock_style;  // empty: mailbox_delivery_lock
    std::string folder;
    char** command = nullptr;
};

Options parse_options(int argc, char** argv)
{
    Options options;
    for (int option; (option = ::getopt(argc, argv, "+c:l:v")) != -1;) {
        switch (option) {
        case 'c': options.config_directory = ::optarg; break;
        case 'l': options.lock_style = ::optarg; break;
        case 'v': break;
        default: give_up(usage);
        }
    }
    if (::optind + 2 > argc)
        give_up(usage);
    options.folder = argv[::optind];
    options.command = argv + ::optind + 1;
    return options;
}

mailbox::LockOptions lock_options(const Options& options, const config::Config& config)
{
    const std::string& style =
        options.lock_style.empty() ? config.get(param::mailbox_delivery_lock) : options.lock_style;
    auto locks = mailbox::parse_lock_methods(style);
    if (!locks)
        give_up("mailbox_delivery_lock: " + locks.error().text());
    return {.locks = std::move(*locks),
            .lock_attempts = static_cast<int>(config.get(param::deliver_lock_attempts)),
            .lock_delay = config.get(param::deliver_lock_delay),
            .stale_lock = config.get(param::stale_lock_time)};
}

// What was ignored by the caller (nohup(1)) stays so.
void forward_signals_to(pid_t child)
{
    child_id = child;
    for (int signal_number : forwarded_signals)
        if (std::signal(signal_number, forward) == SIG_IGN)
            std::signal(signal_number, SIG_IGN);
}

// The child keeps nothing of the lock: the descriptor closes on exec, and fcntl locks are not inherited. A signal that
// comes while the child is made waits until there is a child that it can end.
int run_command(char** command, const config::Config& config)
{
    sigset_t forwarded, before;
    sigemptyset(&forwarded);
    for (int signal_number : forwarded_signals)
        sigaddset(&forwarded, signal_number);
    ::sigprocmask(SIG_BLOCK, &forwarded, &before);
    const Result<pid_t> forked = server::fork_patiently(config);
    if (!forked)
        give_up(forked.error().text());
    const pid_t child = *forked;
    if (child > 0)
        forward_signals_to(child);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (child == 0) {
        ::execvp(command[0], command);
        log::write(log::Severity::Fatal, Error::system(errno, std::string("execvp ") + command[0]).text());
        log::flush();
        ::_exit(EXIT_FAILURE);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            give_up(Error::system(errno, "wait").text());
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

}  // namespace

int run(int argc, char** argv)
{
    log::init({.program = "postlock", .to_log = false});
    const Options options = parse_options(argc, argv);
    auto config = server::load_command_config("postlock", options.config_directory);
    if (!config)
        give_up(config.error().text());
    const mailbox::LockOptions how = lock_options(options, **config);
    UniqueFd fd(::open(options.folder.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!fd)
        give_up(Error::system(errno, "open file " + options.folder + ": cannot open file").text());
    mailbox::MailboxLock lock;
    if (auto locked = lock.take(fd.get(), options.folder, how); !locked)
        give_up("open file " + options.folder + ": " + locked.error().text());
    return run_command(options.command, **config);
}

}  // namespace posthaste::command::postlock
