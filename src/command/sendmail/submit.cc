// Hands a message to postdrop(1), see submit.h.
#include "command/sendmail/submit.h"

#include "base/text.h"
#include "server/patient_fork.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <utility>

namespace posthaste::command::sendmail {

namespace {

std::string read_all(int fd)
{
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
        ssize_t count = ::read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

}  // namespace

Result<Postdrop> Postdrop::start(const std::string& program, const config::Config& config)
{
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (::pipe2(to.data(), O_CLOEXEC) != 0 || ::pipe2(from.data(), O_CLOEXEC) != 0)
        return fail_errno("pipe");
    UniqueFd child_input(to[0]);
    UniqueFd input(to[1]);
    UniqueFd output(from[0]);
    UniqueFd child_output(from[1]);
    TRY(const pid_t process, server::fork_patiently(config));
    if (process == 0) {
        ::dup2(child_input.get(), STDIN_FILENO);
        ::dup2(child_output.get(), STDOUT_FILENO);
        ::execl(program.c_str(), program.c_str(), "-r", nullptr);
        ::_exit(errno == ENOENT ? EX_UNAVAILABLE : EX_OSERR);
    }
    return Postdrop(process, std::move(input), std::move(output));
}

Postdrop::Postdrop(Postdrop&& other) noexcept
    : input_(std::move(other.input_)), output_(std::move(other.output_)), process_(std::exchange(other.process_, -1))
{
}

Postdrop::~Postdrop()
{
    if (process_ > 0)
        static_cast<void>(finish());
}

Result<void> Postdrop::write(std::string_view bytes) { return write_fully(input_.get(), bytes); }

Postdrop::Answer Postdrop::finish()
{
    input_.reset();
    std::string line = read_all(output_.get());
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR)
        continue;
    process_ = -1;
    int exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
    // "ok" comes when the message is in maildrop/ for good, whatever becomes of postdrop then.
    if (line.starts_with("ok "))
        return {EX_OK, ""};
    std::string_view reason = trim(std::string_view(line).substr(std::min(line.find(' ') + 1, line.size())));
    if (exit_status == EX_OK)
        exit_status = EX_SOFTWARE;
    if (line.empty())
        return {exit_status, fmt::format("postdrop ended with status {}", exit_status)};
    return {exit_status, std::string(reason)};
}

}  // namespace posthaste::command::sendmail
