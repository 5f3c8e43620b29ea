// control.cc — see control.h.
#include "command/postfix/control.h"

#include "command/postfix/check.h"
#include "log/log.h"
#include "param/basics.h"
#include "server/master_lock.h"
#include "server/patient_fork.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace posthaste::postfix {

namespace {

// master kills what is left after nineteen seconds, all turns of a stop together; this is for one that does not answer.
constexpr std::chrono::seconds stop_patience{25};
constexpr std::chrono::milliseconds poll_interval{20};
constexpr std::chrono::seconds reload_patience{6};

std::string pid_file(const Instance& instance)
{
    return instance.config->get(param::queue_directory) + "/" + server::master_pid_file;
}

// "; run it as root", or as the user whose private mail system it is, too.
std::string who_may(const Instance& instance)
{
    struct stat found{};
    if (::stat(instance.config->get(param::queue_directory).c_str(), &found) != 0 || found.st_uid == 0)
        return "; run it as root";
    const passwd* owner = ::getpwuid(found.st_uid);
    return "; run it as root or " + (owner != nullptr ? owner->pw_name : "user " + std::to_string(found.st_uid));
}

std::optional<pid_t> running(const Instance& instance)
{
    auto holder = server::lock_holder(pid_file(instance));
    if (!holder)
        log::fatal("cannot tell if the mail system is running: {}{}", holder.error().text(),
                   holder.error().kind() == ErrorKind::Denied ? who_may(instance) : "");
    return *holder;
}

pid_t must_run(const Instance& instance)
{
    auto pid = running(instance);
    if (!pid)
        log::fatal("the Postfix mail system is not running");
    return *pid;
}

void signal_master(pid_t pid, int number)
{
    if (::kill(pid, number) != 0)
        log::fatal("cannot signal master, process {}: {}", pid, std::strerror(errno));
}

timespec changed(const std::string& path)
{
    struct stat found{};
    return ::stat(path.c_str(), &found) == 0 ? found.st_mtim : timespec{};
}

bool ends_within(const Instance& instance, std::chrono::seconds patience)
{
    auto deadline = std::chrono::steady_clock::now() + patience;
    while (running(instance)) {
        if (std::chrono::steady_clock::now() >= deadline)
            return false;
        std::this_thread::sleep_for(poll_interval);
    }
    return true;
}

[[noreturn]] void execute(const std::string& path, const std::vector<std::string>& arguments)
{
    std::vector<char*> argv{const_cast<char*>(path.c_str())};  // execv(2) does not write
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    log::flush();
    ::execv(path.c_str(), argv.data());
    log::fatal("cannot run {}: {}", path, std::strerror(errno));
}

int run_to_end(const config::Config& config, const std::string& path, const std::vector<std::string>& arguments)
{
    const Result<pid_t> pid = server::fork_patiently(config);
    if (!pid)
        log::fatal("{}", pid.error().text());
    if (*pid == 0) {
        log::after_fork();
        execute(path, arguments);
    }
    int status = 0;
    while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

}  // namespace

int start(const Instance& instance, Foreground foreground)
{
    if (running(instance))
        log::fatal("the Postfix mail system is already running");
    if (check(instance, SystemState::Starting) >= Severity::Fatal)
        log::fatal("the Postfix mail system is not started: repair what is said above first");
    log::info("starting the Postfix mail system");
    std::string master = instance.config->get(param::daemon_directory) + "/master";
    std::vector<std::string> options(static_cast<std::size_t>(instance.verbosity), "-v");
    if (foreground == Foreground::No) {
        options.emplace_back("-w");
        return run_to_end(*instance.config, master, options);
    }
    options.emplace_back(::getpid() == 1 ? "-i" : "-s");
    execute(master, options);
}

int stop(const Instance& instance)
{
    pid_t pid = must_run(instance);
    log::info("stopping the Postfix mail system");
    signal_master(pid, SIGTERM);
    if (ends_within(instance, stop_patience))
        return EXIT_SUCCESS;
    log::warning("master, process {}, does not end: it is killed", pid);
    return abort(instance);
}

int abort(const Instance& instance)
{
    pid_t pid = must_run(instance);
    log::info("aborting the Postfix mail system");
    signal_master(pid, SIGQUIT);
    if (ends_within(instance, std::chrono::seconds(2)))
        return EXIT_SUCCESS;
    signal_master(pid, SIGKILL);
    return ends_within(instance, std::chrono::seconds(2)) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int reload(const Instance& instance)
{
    pid_t pid = must_run(instance);
    if (check(instance, SystemState::Running) >= Severity::Error)
        log::fatal(
            "nothing is reloaded, the processes that run keep their old settings: repair what is said above first");
    log::info("refreshing the Postfix mail system");
    timespec before = changed(pid_file(instance));
    signal_master(pid, SIGHUP);
    // So that who reloads and then sends mail meets the new configuration. master says in the log what it thinks of it.
    auto deadline = std::chrono::steady_clock::now() + reload_patience;
    while (changed(pid_file(instance)).tv_nsec == before.tv_nsec && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return EXIT_SUCCESS;
}

int status(const Instance& instance)
{
    auto pid = running(instance);
    if (!pid) {
        log::info("the Postfix mail system is not running");
        return EXIT_FAILURE;
    }
    log::info("the Postfix mail system is running: PID: {}", *pid);
    return EXIT_SUCCESS;
}

bool is_running(const Instance& instance) { return running(instance).has_value(); }

// postqueue says, as in Postfix, if the mail system does not run: exit status 69.
int flush(const Instance& instance) { execute(instance.config->get(param::command_directory) + "/postqueue", {"-f"}); }

}  // namespace posthaste::postfix
