// environment.cc — see environment.h.
#include "daemon/master/environment.h"

#include "base/fd.h"
#include "base/text.h"
#include "log/log.h"
#include "param/basics.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace posthaste::master {

namespace {

constexpr const char* command_path = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

// The words of import_environment; { name = value with spaces } is one.
std::vector<std::string> environment_words(std::string_view text)
{
    std::vector<std::string> words;
    while (!(text = trim(text)).empty()) {
        bool braced = text.front() == '{';
        std::size_t end = braced ? text.find('}') : text.find_first_of(", \t\r\n");
        std::string_view word =
            text.substr(braced ? 1 : 0, end == std::string_view::npos ? end : end - (braced ? 1 : 0));
        if (!trim(word).empty())
            words.emplace_back(trim(word));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return words;
}

}  // namespace

void clean_environment(const config::Config& config)
{
    std::vector<std::pair<std::string, std::string>> kept;
    for (const std::string& word : environment_words(config.get(param::import_environment))) {
        std::size_t equals = word.find('=');
        if (equals != std::string::npos)
            kept.emplace_back(trim(std::string_view(word).substr(0, equals)),
                              trim(std::string_view(word).substr(equals + 1)));
        else if (const char* value = std::getenv(word.c_str()))  // NOLINT(concurrency-mt-unsafe): one thread
            kept.emplace_back(word, value);
    }
    ::clearenv();
    ::setenv("PATH", command_path, 1);
    for (const auto& [name, value] : kept)
        ::setenv(name.c_str(), value.c_str(), 1);
    ::setenv("MAIL_CONFIG", config.directory().c_str(), 1);
}

void raise_limits()
{
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &files) != 0)
        log::warning("cannot raise the limit of open files: {}", std::strerror(errno));
}

void detach_standard_files(Output output)
{
    UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null)
        return;
    ::dup2(null.get(), STDIN_FILENO);
    if (output == Output::Keep)
        return;
    ::dup2(null.get(), STDOUT_FILENO);
    ::dup2(null.get(), STDERR_FILENO);
}

}  // namespace posthaste::master
