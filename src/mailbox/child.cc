// child.cc — see child.h.
#include "mailbox/child.h"

#include "base/fd.h"
#include "net/loop.h"
#include "net/tasks.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace posthaste::mailbox {

namespace {

constexpr char separator = '\0';
constexpr gid_t no_group = static_cast<gid_t>(-1);

// "<action> <code> NUL text NUL diagnostic type NUL diagnostic": fields of an outcome that a child reports.
std::string encode(const dsn::Outcome& outcome)
{
    std::string out = std::to_string(static_cast<int>(outcome.action)) + " " + outcome.code.text();
    for (const std::string* part : {&outcome.text, &outcome.diagnostic_type, &outcome.diagnostic})
        out.append(1, separator).append(*part);
    return out;
}

Result<dsn::Outcome> decode(std::string_view bytes)
{
    auto take = [&]() {
        std::size_t end = std::min(bytes.find(separator), bytes.size());
        std::string_view part = bytes.substr(0, end);
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
        return part;
    };
    std::string_view head = take();
    dsn::Outcome outcome;
    auto code = head.size() > 2 ? dsn::parse_code(head.substr(2)) : std::nullopt;
    if (!code || head[0] < '0' || head[0] > '2')
        return fail(ErrorKind::Invalid, "no outcome");
    outcome.action = static_cast<dsn::Action>(head[0] - '0');
    outcome.code = *code;
    outcome.text = take();
    outcome.diagnostic_type = take();
    outcome.diagnostic = take();
    return outcome;
}

// Gives up root for good, in the child. Nothing of the delivery happens before it returns true. The user's primary
// group is all that a delivery has, as with Postfix; asking the name service for the others would cost more than the
// delivery.
bool become(const Account& account, gid_t extra_group)
{
    if (::geteuid() != 0)
        return true;  // run_as() has checked that the account is our own
    const std::array groups{account.gid, extra_group};
    const std::size_t count = extra_group == no_group ? 1 : 2;
    return ::setgroups(count, groups.data()) == 0 && ::setgid(account.gid) == 0 && ::setuid(account.uid) == 0 &&
           (account.uid == 0 || ::setuid(0) != 0);  // no way back
}

[[noreturn]] void run_child(const Account& account, gid_t extra_group, int report_fd,
                            const std::function<dsn::Outcome()>& work)
{
    ::setsid();  // a limit kills the whole group
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGXFSZ, SIG_IGN);
    dsn::Outcome outcome =
        become(account, extra_group) ? work() : dsn::Outcome::deferred({4, 3, 0}, "cannot become user " + account.name);
    std::string report = encode(outcome);
    static_cast<void>(write_fully(report_fd, report));
    ::_exit(0);
}

// Reads the child's report until its end.
Task<Result<std::string>> read_report(int fd, net::Deadline deadline)
{
    net::Watch watch(fd);
    std::string report;
    char buffer[4096];
    for (;;) {
        ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got > 0) {
            report.append(buffer, static_cast<std::size_t>(got));
        } else if (got == 0) {
            co_return report;
        } else if (errno == EAGAIN) {
            CO_TRY(co_await watch.wait(net::Watch::Direction::Read, deadline));
        } else if (errno != EINTR) {
            co_return fail_errno("read from child");
        }
    }
}

}  // namespace

namespace {

// look_up(entry, buffer, size, found) is getpwnam_r or getpwuid_r; `who` names the account in messages.
template<class LookUp>
Result<Account> look_up_account(const std::string& who, LookUp look_up)
{
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(65536);
    int error = look_up(&entry, buffer.data(), buffer.size(), &found);
    // Some name services report "no such user" as an error of this kind (getpwnam(3)).
    if (!found && (error == 0 || error == ENOENT || error == ESRCH))
        return fail(ErrorKind::NotFound, "unknown user: \"" + who + "\"");
    if (!found)
        return fail(ErrorKind::Temporary, "user lookup error for " + who + ": " + std::strerror(error));
    return Account{found->pw_name, found->pw_uid, found->pw_gid, found->pw_dir, found->pw_shell};
}

}  // namespace

Task<Result<Account>> find_account(std::string name)
{
    co_return co_await net::in_thread([name]() -> Result<Account> {
        return look_up_account(name, [&](auto... rest) { return ::getpwnam_r(name.c_str(), rest...); });
    });
}

Task<Result<Account>> find_account(uid_t uid)
{
    co_return co_await net::in_thread([uid]() -> Result<Account> {
        return look_up_account(std::to_string(uid), [&](auto... rest) { return ::getpwuid_r(uid, rest...); });
    });
}

Task<dsn::Outcome> run_as(Account account, std::chrono::seconds limit, std::function<dsn::Outcome()> work,
                          gid_t extra_group)
{
    auto deferred = [](std::string text) { return dsn::Outcome::deferred({4, 3, 0}, std::move(text)); };
    if (::geteuid() != 0 && account.uid != ::geteuid())
        co_return deferred("cannot deliver as user " + account.name + ": the mail system does not run as root");
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        co_return deferred("cannot make a pipe: " + std::string(std::strerror(errno)));
    UniqueFd report(ends[0]);
    UniqueFd child_end(ends[1]);
    ::fcntl(report.get(), F_SETFL, O_NONBLOCK);
    pid_t child = ::fork();
    if (child < 0)
        co_return deferred("cannot fork: " + std::string(std::strerror(errno)));
    if (child == 0)
        run_child(account, extra_group, child_end.get(), work);
    child_end.reset();
    auto bytes = co_await read_report(report.get(), net::Deadline::after(limit));
    if (!bytes)
        ::kill(-child, SIGKILL);
    // The pipe is closed, so the child has left or is about to; one that was killed leaves at once.
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!bytes)
        co_return deferred(bytes.error().kind() == ErrorKind::Timeout ? "the delivery took too long and was stopped"
                                                                      : bytes.error().text());
    auto outcome = decode(*bytes);
    co_return outcome ? std::move(*outcome) : deferred("the delivery process died");
}

}  // namespace posthaste::mailbox
