// environment.cc — see environment.h.
#include "daemon/master/environment.h"

#include "base/fd.h"
#include "config/environment.h"
#include "log/log.h"
#include "param/basics.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace posthaste::master {

namespace {

constexpr const char* command_path = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

}  // namespace

Result<void> clean_environment(const config::Config& config)
{
    TRY(const config::Variables kept, config::listed_variables(config.get(param::import_environment)));
    ::clearenv();
    ::setenv("PATH", command_path, 1);
    for (const auto& [name, value] : kept)
        ::setenv(name.c_str(), value.c_str(), 1);
    ::setenv("MAIL_CONFIG", config.directory().c_str(), 1);
    return {};
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
