// ask_program.cc — see ask_program.h.
#include "server/ask_program.h"

#include "base/fd.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

namespace posthaste::server {

namespace {

constexpr std::chrono::seconds patience{120};
constexpr std::size_t longest_answer = std::size_t{16} << 20;

Result<pid_t> start(const std::string& path, const std::vector<std::string>& arguments, int output)
{
    std::vector<char*> argv{const_cast<char*>(path.c_str())};  // posix_spawn(3) does not write
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    pid_t process = 0;
    const int error = ::posix_spawn(&process, path.c_str(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return fail(Error::system(error, "run " + path));
    return process;
}

// Until the end of what the descriptor gives.
Result<std::string> read_answer(int fd)
{
    using Clock = std::chrono::steady_clock;
    const auto give_up = Clock::now() + patience;
    std::string answer;
    std::array<char, 8192> buffer;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(give_up - Clock::now());
        pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
        const int ready = left.count() > 0 ? ::poll(&readable, 1, static_cast<int>(left.count())) : 0;
        if (ready == 0)
            return fail(ErrorKind::Timeout, "no answer in time");
        const ssize_t count = ready < 0 ? -1 : ::read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno != EINTR)
            return fail_errno("read its answer");
        if (count == 0)
            return answer;
        answer.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (answer.size() > longest_answer)
            return fail(ErrorKind::Limit, "the answer is too long");
    }
}

}  // namespace

Result<std::string> ask_program(const std::string& path, const std::vector<std::string>& arguments)
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        return fail_errno("pipe");
    UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    TRY(pid_t process, start(path, arguments, writing.get()));
    writing.reset();
    Result<std::string> answer = read_answer(reading.get());
    if (!answer)
        ::kill(process, SIGKILL);
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    if (!answer)
        return fail(std::move(answer).error().in(path));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail(ErrorKind::Io,
                    fmt::format("{} did not end well ({} {})", path, WIFEXITED(status) ? "exit status" : "signal",
                                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)));
    return answer;
}

}  // namespace posthaste::server
