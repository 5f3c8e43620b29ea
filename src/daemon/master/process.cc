// process.cc — see process.h.
#include "daemon/master/process.h"

#include "log/log.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace posthaste::master {

Result<std::unique_ptr<SharedScoreboard>> SharedScoreboard::make()
{
    UniqueFd memory(::memfd_create("scoreboard", MFD_CLOEXEC));
    if (!memory || ::ftruncate(memory.get(), sizeof(server::Scoreboard)) != 0)
        return fail_errno("scoreboard");
    void* board = ::mmap(nullptr, sizeof(server::Scoreboard), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
    if (board == MAP_FAILED)
        return fail_errno("scoreboard");
    // All zero bytes are a scoreboard with free slots.
    return std::unique_ptr<SharedScoreboard>(
        new SharedScoreboard(std::move(memory), static_cast<server::Scoreboard*>(board)));
}

SharedScoreboard::~SharedScoreboard() { ::munmap(board_, sizeof(server::Scoreboard)); }

void Process::send(server::Command command, std::string_view payload) const
{
    std::string message(1, static_cast<char>(command));
    message += payload;
    // A process that does not read its commands is ended by its watchdog or by stop.
    static_cast<void>(::send(status_socket->fd(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

namespace {

// Puts the descriptors where the contract wants them: first out of the way, then into their places.
void arrange_descriptors(const SpawnRequest& request, int status)
{
    const int out_of_the_way = server::first_listen_fd + static_cast<int>(request.listen_fds.size());
    std::vector<std::pair<int, int>> places{{request.scoreboard_fd, server::scoreboard_fd},
                                            {status, server::status_fd}};
    int next = server::first_listen_fd;
    for (int fd : request.listen_fds)
        places.emplace_back(fd, next++);
    for (auto& [from, to] : places)
        from = ::fcntl(from, F_DUPFD_CLOEXEC, out_of_the_way);
    for (const auto& [from, to] : places)
        ::dup2(from, to);  // the copy stays open across exec
}

void restore_signals()
{
    for (int number : {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGCHLD, SIGPIPE, SIGALRM})
        ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become_service(const SpawnRequest& request, int status)
{
    log::after_fork();
    restore_signals();
    arrange_descriptors(request, status);
    std::vector<char*> argv;
    for (const std::string& argument : request.arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));  // execv(2) does not write
    argv.push_back(nullptr);
    ::execv(request.spec->command.c_str(), argv.data());
    log::fatal("cannot start {}: {}", request.spec->command, std::strerror(errno));
}

}  // namespace

Result<std::shared_ptr<Process>> spawn(const SpawnRequest& request)
{
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
        return fail_errno("socketpair");
    UniqueFd ours(pair[0]);
    UniqueFd theirs(pair[1]);
    int buffer = 2 * static_cast<int>(server::max_command);
    ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (::send(ours.get(), &request.hello, sizeof request.hello, MSG_NOSIGNAL) < 0)
        return fail_errno("send to a new process");
    TRY(set_nonblocking(ours.get()));

    // A signal that meets the child before exec must not run master's handlers.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, &before);
    log::flush();
    pid_t pid = ::fork();
    if (pid == 0)
        become_service(request, theirs.get());
    int error = errno;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0)
        return fail(Error::system(error, "fork"));

    auto process = std::make_shared<Process>();
    process->pid = pid;
    process->slot = request.hello.slot;
    process->status_socket = std::make_unique<net::Listener>(std::move(ours));
    process->started = net::Clock::now();
    return process;
}

}  // namespace posthaste::master
