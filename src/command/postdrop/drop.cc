// postdrop(1), see drop.h.
#include "command/postdrop/drop.h"

#include "base/text.h"
#include "command/postdrop/drop_file.h"
#include "command/postdrop/login_sender.h"
#include "config/config.h"
#include "intake/maildrop.h"
#include "log/log.h"
#include "match/authorized_user.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/commands.h"
#include "param/services.h"
#include "server/log_setup.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

namespace posthaste::command::postdrop {

namespace {

struct Failure {
    int status = EX_TEMPFAIL;
    std::string reason;
};
template<class T>
using Done = std::expected<T, Failure>;

std::unexpected<Failure> failed(int status, std::string reason)
{
    return std::unexpected(Failure{status, std::move(reason)});
}
std::unexpected<Failure> failed(const Error& error) { return failed(EX_TEMPFAIL, error.text()); }

// Descriptors 0, 1 and 2 must be open, or a file that is opened later would get such a number.
void secure_descriptors()
{
    int fd = 0;
    do
        fd = ::open("/dev/null", O_RDWR);  // not close-on-exec: it takes the place of a standard stream
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        ::close(fd);
    ::closefrom(3);
}

// Keeps the time zone and the configuration directory, which is checked when main.cf is read.
void clean_environment()
{
    std::string kept[2];
    constexpr const char* names[2] = {"TZ", "MAIL_CONFIG"};
    for (int i = 0; i < 2; ++i)
        if (const char* value = std::getenv(names[i]))
            kept[i] = value;
    ::clearenv();
    for (int i = 0; i < 2; ++i)
        if (!kept[i].empty())
            ::setenv(names[i], kept[i].c_str(), 1);
    ::setenv("PATH", "/usr/bin:/bin", 1);
}

using Config = std::shared_ptr<const config::Config>;

// What the user may not say of a message.
Done<void> check_envelope(const Config& config, const intake::Submission& submission)
{
    if (submission.recipients.empty())
        return failed(EX_DATAERR, "message has no recipients");
    const std::string login = login_name();
    auto allowed = may_use_sender(config, login, submission.sender);
    if (!allowed)
        return failed(allowed.error());
    if (!*allowed)
        return failed(EX_NOPERM, fmt::format("User {}({}) is not authorized to use sender='{}'", login, ::getuid(),
                                             printable(submission.sender)));
    return {};
}

// Reads standard input to its end and writes it as it comes, as far as it keeps to the format.
Done<void> copy_input(DropFile& file, const Config& config)
{
    const auto size_limit = static_cast<std::uint64_t>(config->get(param::message_size_limit));
    intake::SubmissionReader reader;
    bool envelope_seen = false;
    std::uint64_t size = 0;
    std::string buffer(std::size_t{64} << 10, '\0');
    while (!reader.complete()) {
        ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return failed(Error::system(errno, "read standard input"));
        if (count == 0)
            return failed(EX_DATAERR, "premature end-of-input");
        std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
        reader.feed(bytes);
        if (auto written = file.write(bytes); !written)
            return failed(written.error());
        if (!envelope_seen) {
            auto envelope = reader.envelope();
            if (!envelope)
                return failed(EX_DATAERR, envelope.error().text());
            envelope_seen = envelope->has_value();
            if (!envelope_seen)
                continue;
            if (auto checked = check_envelope(config, **envelope); !checked)
                return checked;
        }
        for (;;) {
            auto piece = reader.piece();
            if (!piece)
                return failed(EX_DATAERR, piece.error().text());
            if (!*piece)
                break;
            size += (*piece)->size();
        }
        if (size_limit != 0 && size > size_limit)
            return failed(EX_UNAVAILABLE, "message file too big");
    }
    return {};
}

// One byte for pickup. If that does not work, the message waits for pickup's next look around.
void wake_pickup(std::string_view socket_path)
{
    std::string path(socket_path);
    struct ::stat facts{};
    if (::stat(path.c_str(), &facts) != 0) {
        log::warning("unable to look up {}: {}", path, Error::system(errno, "").text().substr(2));
        return;
    }
    if (S_ISFIFO(facts.st_mode)) {
        if (auto fifo = open_file(path, O_WRONLY | O_NONBLOCK))
            static_cast<void>(::write(fifo->get(), "W", 1));
        return;
    }
    UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        log::warning("connect to {}: {}", path, Error::system(errno, "").text().substr(2));
    else
        static_cast<void>(::write(client.get(), "W", 1));
}

Done<std::string> drop(const Config& config)
{
    auto allowed = match::is_real_user_in("authorized_submit_users", config->get(param::authorized_submit_users));
    if (!allowed)
        return failed(allowed.error().kind() == ErrorKind::Unsupported ? EX_CONFIG : EX_TEMPFAIL,
                      allowed.error().text());
    if (!*allowed)
        return failed(EX_NOPERM,
                      fmt::format("User {}({}) is not allowed to submit mail", match::real_user_name(), ::getuid()));
    auto file = DropFile::create("maildrop");
    if (!file)
        return failed(file.error());
    auto copied = copy_input(**file, config);
    if (!copied)
        return std::unexpected(std::move(copied.error()));
    auto name = (*file)->complete();
    if (!name)
        return failed(name.error());
    return *name;
}

int answer(const Done<std::string>& result)
{
    if (result)
        fmt::print("ok {}\n", *result);
    else
        fmt::print("{} {}\n", result.error().status, result.error().reason);
    std::fflush(stdout);
    return result ? EX_OK : result.error().status;
}

// -r says that the input is in the internal format, which is the only one; -c and -v as everywhere.
Done<std::string> configuration_directory(int argc, char** argv)
{
    std::string directory;
    for (int option = 0; (option = ::getopt(argc, argv, "c:rv")) != -1;) {
        if (option == 'c')
            directory = ::optarg;
        else if (option == '?')
            return failed(EX_USAGE, "usage: postdrop [-c config_dir] [-rv]");
    }
    return directory;
}

}  // namespace

int run(int argc, char** argv)
{
    secure_descriptors();
    ::umask(022);
    clean_environment();
    for (int number : {SIGHUP, SIGPIPE, SIGXFSZ})
        std::signal(number, SIG_IGN);

    auto directory = configuration_directory(argc, argv);
    if (!directory)
        return answer(directory);
    auto config = config::load({.config_directory = *directory, .process_name = "postdrop"});
    if (!config) {
        fmt::print(stderr, "postdrop: fatal: {}\n", config.error().text());
        return answer(failed(EX_TEMPFAIL, config.error().text()));
    }
    server::set_up_log(**config, {.program = "postdrop", .to_stderr = true});
    const std::string& queue_directory = (*config)->get(param::queue_directory);
    if (::chdir(queue_directory.c_str()) != 0)
        return answer(failed(Error::system(errno, "chdir " + queue_directory)));
    DropFile::remove_on_signals();
    Done<std::string> result = drop(*config);
    if (result)
        wake_pickup("public/" + (*config)->get(param::pickup_service_name));
    else
        log::write(log::Severity::Warning, result.error().reason);
    return answer(result);
}

}  // namespace posthaste::command::postdrop
