// postkick.cc — see postkick.h.
#include "command/postkick/postkick.h"

#include "base/fd.h"
#include "log/log.h"
#include "net/endpoint.h"
#include "param/basics.h"
#include "server/command_config.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace posthaste::command::postkick {

namespace {

constexpr std::string_view usage = "usage: postkick [-c config_dir] [-v] class service request";

// What is written stays readable for the service after this end is closed.
Result<void> send_request(const std::string& path, std::string_view request)
{
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0)
        return fail_errno("unable to look up " + path);
    TRY(net::Endpoint where, net::Endpoint::unix_path(path));
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return fail_errno("socket");
    if (::connect(fd.get(), where.data(), where.size()) != 0)
        return fail_errno("connect to " + path);
    return write_fully(fd.get(), request);
}

}  // namespace

int run(int argc, char** argv)
{
    log::init({.program = "postkick", .to_log = false});
    std::string config_directory;
    for (int option; (option = ::getopt(argc, argv, "+c:v")) != -1;) {
        switch (option) {
        case 'c': config_directory = ::optarg; break;
        case 'v': break;
        default: log::fatal("{}", usage);
        }
    }
    if (argc - ::optind != 3)
        log::fatal("{}", usage);
    const std::string service_class = argv[::optind];
    const std::string service = argv[::optind + 1];
    auto config = server::load_command_config("postkick", config_directory);
    if (!config)
        log::fatal("{}", config.error().text());
    const std::string& directory = (*config)->get(param::queue_directory);
    if (::chdir(directory.c_str()) != 0)
        log::fatal("{}", Error::system(errno, "chdir " + directory).text());
    if (auto sent = send_request(service_class + "/" + service, argv[::optind + 2]); !sent) {
        log::warning("{}", sent.error().text());
        log::warning("Cannot contact class {} service {} - perhaps the mail system is down", service_class, service);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

}  // namespace posthaste::command::postkick
