// command.cc — see command.h.
#include "mailbox/command.h"

#include "base/fd.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

namespace posthaste::mailbox {

namespace {

constexpr std::size_t most_output = 4096;

struct StatusMeaning {
    int status;
    dsn::Code code;
    std::string_view text;
};

// sysexits.h; RFC 3463 codes. Class 4 is tried again.
constexpr std::array meanings{
    StatusMeaning{EX_USAGE, {5, 3, 0}, "command line usage error"},
    StatusMeaning{EX_DATAERR, {5, 6, 0}, "data format error"},
    StatusMeaning{EX_NOINPUT, {5, 3, 0}, "cannot open input"},
    StatusMeaning{EX_NOUSER, {5, 1, 1}, "user unknown"},
    StatusMeaning{EX_NOHOST, {5, 1, 2}, "host name unknown"},
    StatusMeaning{EX_UNAVAILABLE, {5, 3, 0}, "service unavailable"},
    StatusMeaning{EX_SOFTWARE, {5, 3, 0}, "internal software error"},
    StatusMeaning{EX_OSERR, {4, 3, 0}, "system resource problem"},
    StatusMeaning{EX_OSFILE, {5, 3, 0}, "critical OS file missing"},
    StatusMeaning{EX_CANTCREAT, {5, 2, 0}, "can't create user output file"},
    StatusMeaning{EX_IOERR, {5, 3, 0}, "input/output error"},
    StatusMeaning{EX_TEMPFAIL, {4, 3, 0}, "temporary failure"},
    StatusMeaning{EX_PROTOCOL, {5, 5, 0}, "remote error in protocol"},
    StatusMeaning{EX_NOPERM, {5, 7, 0}, "permission denied"},
    StatusMeaning{EX_CONFIG, {5, 3, 5}, "local configuration error"},
};

dsn::Outcome with_class(dsn::Code code, std::string text)
{
    return code.status_class == 4 ? dsn::Outcome::deferred(code, std::move(text))
                                  : dsn::Outcome::bounced(code, std::move(text));
}

std::vector<std::string> shell_words(const std::string& text) { return {"/bin/sh", "-c", text}; }

// Returns only if there is no such program.
void replace_process(std::vector<std::string> words)
{
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    if (errno == ENOENT)
        return;
    ::dprintf(STDOUT_FILENO, "4.3.0 %s: %s\n", argv[0], std::strerror(errno));
    ::_exit(EX_TEMPFAIL);
}

// In the grandchild: nothing but standard descriptors, a clean environment, the command.
[[noreturn]] void execute(const Command& command, int input, int output)
{
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    ::setpgid(0, 0);
    for (int signal_number : {SIGPIPE, SIGXFSZ, SIGTERM, SIGHUP, SIGINT, SIGCHLD})
        std::signal(signal_number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) {
        ::dprintf(STDOUT_FILENO, "cannot change directory to \"%s\": %s\n", command.directory.c_str(),
                  std::strerror(errno));
        ::_exit(EX_TEMPFAIL);
    }
    std::vector<std::string> variables;
    for (const auto& [name, value] : command.environment)
        variables.push_back(name + "=" + value);
    std::vector<char*> envp;
    for (std::string& variable : variables)
        envp.push_back(variable.data());
    envp.push_back(nullptr);
    environ = envp.data();  // the program is found in the PATH that it is given
    replace_process(command.argv);
    if (!command.shell_text.empty())
        replace_process(shell_words(command.shell_text));
    ::dprintf(STDOUT_FILENO, "4.3.0 %s: %s\n", command.argv[0].c_str(), std::strerror(ENOENT));
    ::_exit(EX_TEMPFAIL);
}

// When the command's time is over; the end of time if it has no limit.
using Clock = std::chrono::steady_clock;

Clock::time_point end_of(const Command& command)
{
    return command.time_limit.count() > 0 ? Clock::now() + command.time_limit : Clock::time_point::max();
}

// For poll(2): milliseconds, rounded up; a day for no limit.
int milliseconds_until(Clock::time_point end)
{
    constexpr std::chrono::milliseconds longest = std::chrono::hours(24);
    const auto now = Clock::now();
    if (end <= now)
        return 0;
    return static_cast<int>(end - now > longest ? longest.count()
                                                : std::chrono::ceil<std::chrono::milliseconds>(end - now).count());
}

struct Conversation {
    std::string output;
    bool ended = true;  // false: the time was over
};

// Feeds the input and collects the output, whichever the command is ready for. A command that does not read all of
// its input is no error by itself: its exit status decides.
Conversation converse(UniqueFd to, UniqueFd from, std::string_view input, Clock::time_point end)
{
    Conversation result;
    std::string& output = result.output;
    ::fcntl(to.get(), F_SETFL, O_NONBLOCK);
    while (from) {
        std::array<pollfd, 2> wait{pollfd{from.get(), POLLIN, 0}, pollfd{to ? to.get() : -1, POLLOUT, 0}};
        const int ready = ::poll(wait.data(), wait.size(), milliseconds_until(end));
        if (ready < 0 && errno != EINTR)
            break;
        if (ready <= 0) {
            result.ended = Clock::now() < end;
            if (!result.ended)
                break;
            continue;
        }
        if (to && wait[1].revents != 0) {
            ssize_t written = ::write(to.get(), input.data(), input.size());
            if (written > 0)
                input.remove_prefix(static_cast<std::size_t>(written));
            if (input.empty() || (written < 0 && errno != EAGAIN && errno != EINTR))
                to.reset();
        }
        if (wait[0].revents != 0) {
            char buffer[1024];
            ssize_t got = ::read(from.get(), buffer, sizeof buffer);
            if (got > 0 && output.size() < most_output)
                output.append(buffer, static_cast<std::size_t>(got));
            else if (got == 0 || (got < 0 && errno != EINTR))
                from.reset();
        }
    }
    return result;
}

// Waits for a command that has closed its output, and kills it with all of its group when the time is over.
// False: it had to be killed.
bool wait_for(pid_t child, Clock::time_point end, int* status)
{
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    pollfd wait{process.get(), POLLIN, 0};
    bool ended = !process;  // an old kernel: it can only be waited for
    while (!ended && Clock::now() < end)
        ended = ::poll(&wait, 1, milliseconds_until(end)) > 0;
    if (!ended)
        ::kill(-child, SIGKILL);
    while (::waitpid(child, status, 0) < 0 && errno == EINTR) {
    }
    return ended;
}

dsn::Outcome outcome_of_status(int wait_status, std::string_view output, std::string_view shown, std::string success)
{
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
        return dsn::Outcome::delivered({2, 0, 0}, std::move(success));
    std::string text = printable(trim(output));
    auto coded = dsn::split_code(text, {0, 0, 0});
    std::string said = coded.text.empty() ? "" : ". Command output: " + coded.text;
    bool has_code = coded.code.status_class == 4 || coded.code.status_class == 5;
    if (WIFEXITED(wait_status)) {
        for (const StatusMeaning& meaning : meanings)
            if (meaning.status == WEXITSTATUS(wait_status))
                return with_class(has_code ? coded.code : meaning.code,
                                  has_code || !said.empty() ? (has_code ? coded.text : std::string(meaning.text) + said)
                                                            : std::string(meaning.text));
        return with_class(
            has_code ? coded.code : dsn::Code{5, 3, 0},
            has_code ? coded.text
                     : fmt::format("Command died with status {}: \"{}\"{}", WEXITSTATUS(wait_status), shown, said));
    }
    // Killed by an administrator, or for want of memory: the next attempt may fare better, whatever it has said so far.
    return dsn::Outcome::deferred({4, 3, 0}, fmt::format("Command died with signal {}: \"{}\"{}", WTERMSIG(wait_status),
                                                         shown, text.empty() ? "" : ". Command output: " + text));
}

dsn::Outcome over_time(std::string_view output, std::string_view shown)
{
    const std::string text = printable(trim(output));
    return dsn::Outcome::bounced({5, 3, 0}, fmt::format("Command time limit exceeded: \"{}\"{}{}", shown,
                                                        text.empty() ? "" : ". Command output: ", text));
}

}  // namespace

Command command_line(const std::string& text, std::string_view shell)
{
    constexpr std::string_view special = "\"'`\\$&|;<>()*?[]{}~#!=^\n";
    Command command;
    command.shown = text;
    for (std::string_view word : split(shell, " \t"))
        command.argv.emplace_back(word);
    if (!command.argv.empty()) {
        command.argv.push_back(text);
        return command;
    }
    if (text.find_first_of(special) != std::string::npos) {
        command.argv = shell_words(text);
        return command;
    }
    for (std::string_view word : split(text, " \t"))
        command.argv.emplace_back(word);
    if (!command.argv.empty() && !command.argv[0].contains('/'))
        command.shell_text = text;
    return command;
}

dsn::Outcome run_command(const Command& command, std::string_view input, std::string success)
{
    int in[2];
    int out[2];
    if (command.argv.empty() || ::pipe2(in, O_CLOEXEC) != 0)
        return dsn::Outcome::deferred({4, 3, 0}, "cannot start the command: " + command.shown);
    UniqueFd in_read(in[0]);
    UniqueFd in_write(in[1]);
    if (::pipe2(out, O_CLOEXEC) != 0)
        return dsn::Outcome::deferred({4, 3, 0}, "cannot start the command: " + command.shown);
    UniqueFd out_read(out[0]);
    UniqueFd out_write(out[1]);
    pid_t child = ::fork();
    if (child < 0)
        return dsn::Outcome::deferred({4, 3, 0}, std::string("cannot fork: ") + std::strerror(errno));
    if (child == 0)
        execute(command, in_read.get(), out_write.get());
    in_read.reset();
    out_write.reset();
    ::setpgid(child, child);  // as the child does: whoever comes first
    const Clock::time_point end = end_of(command);
    Conversation said = converse(std::move(in_write), std::move(out_read), input, end);
    int status = 0;
    if (!said.ended)
        ::kill(-child, SIGKILL);  // also what it has left behind
    const bool in_time = wait_for(child, end, &status) && said.ended;
    if (!in_time)
        return over_time(said.output, command.shown);
    return outcome_of_status(status, said.output, command.shown, std::move(success));
}

}  // namespace posthaste::mailbox
