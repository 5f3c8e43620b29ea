// logrotate.cc — see logrotate.h.
#include "command/postfix/logrotate.h"

#include "log/log.h"
#include "param/log.h"
#include "server/patient_fork.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace posthaste::postfix {

namespace {

// What processes that still have the old file open write until they notice.
constexpr std::chrono::seconds last_lines{1};

std::string suffix(const std::string& format)
{
    std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    std::array<char, 128> text{};
    std::size_t length = std::strftime(text.data(), text.size(), format.c_str(), &local);
    if (length == 0)
        log::fatal("maillog_file_rotate_suffix: a format of strftime(3) expected");
    return {text.data(), length};
}

int compress(const config::Config& config, const std::string& file)
{
    const std::string& compressor = config.get(param::maillog_file_compressor);
    const Result<pid_t> pid = server::fork_patiently(config);
    if (!pid)
        log::fatal("{}", pid.error().text());
    if (*pid == 0) {
        ::execlp(compressor.c_str(), compressor.c_str(), file.c_str(), nullptr);
        log::after_fork();
        log::fatal("maillog_file_compressor {}: {}", compressor, std::strerror(errno));
    }
    int result = 0;
    while (::waitpid(*pid, &result, 0) < 0 && errno == EINTR) {
    }
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int logrotate(const Instance& instance)
{
    const std::string& file = instance.config->get(param::maillog_file);
    if (file.empty())
        log::fatal("maillog_file is empty: log lines go to syslog, which rotates its own files");
    if (file.starts_with("/dev/"))
        log::fatal("maillog_file is {}: nothing to rotate", file);
    std::string rotated = file + "." + suffix(instance.config->get(param::maillog_file_rotate_suffix));
    if (::access(rotated.c_str(), F_OK) == 0)
        log::fatal("{} exists already", rotated);
    if (std::rename(file.c_str(), rotated.c_str()) != 0)
        log::fatal("rename {}: {}", file, std::strerror(errno));
    if (is_running(instance) && reload(instance) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    std::this_thread::sleep_for(last_lines);
    return compress(*instance.config, rotated);
}

}  // namespace posthaste::postfix
