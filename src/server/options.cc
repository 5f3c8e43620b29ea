// options.cc — see options.h.
#include "server/options.h"

#include "base/text.h"

#include <unistd.h>

namespace posthaste::server {

namespace {

Result<std::pair<std::string, std::string>> parse_override(std::string_view text)
{
    std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || trim(text.substr(0, equals)).empty())
        return fail(ErrorKind::Invalid, "bad -o argument \"" + printable(text) + "\": name=value expected");
    return std::pair(std::string(trim(text.substr(0, equals))), std::string(trim(text.substr(equals + 1))));
}

}  // namespace

Result<DaemonOptions> parse_options(int argc, char** argv)
{
    DaemonOptions options;
    std::string_view program = argc > 0 ? argv[0] : "";
    options.process_name = program.substr(program.rfind('/') + 1);
    ::opterr = 0;
    ::optind = 0;  // glibc: start over, for tests
    // "+": the first argument that is no option ends the options; pipe and spawn have words of their own there.
    for (int option; (option = ::getopt(argc, argv, "+:cdDi:lm:n:o:s:St:uvVz")) != -1;) {
        switch (option) {
        case 'c': options.chrooted = true; break;
        case 'n': options.service_name = ::optarg; break;
        case 'o': {
            TRY(auto override, parse_override(::optarg));
            options.overrides.push_back(std::move(override));
            break;
        }
        case 's': {
            auto count = parse_number<int>(::optarg);
            if (!count || *count < 0)
                return fail(ErrorKind::Invalid, "bad -s argument: a number of sockets expected");
            options.listen_sockets = *count;
            break;
        }
        case 'S': options.stand_alone = true; break;
        case 't': options.service_type = ::optarg; break;
        case 'u': options.unprivileged = true; break;
        case 'v': ++options.verbosity; break;
        case 'D': options.debugger = true; break;
        case 'd':
        case 'i':
        case 'l':
        case 'm':
        case 'V':
        case 'z': break;
        case ':':
            return fail(ErrorKind::Invalid, std::string("option -") + static_cast<char>(::optopt) + " needs a value");
        default: return fail(ErrorKind::Invalid, std::string("unknown option -") + static_cast<char>(::optopt));
        }
    }
    for (int i = ::optind; i < argc; ++i)
        options.arguments.emplace_back(argv[i]);
    if (options.service_name.empty())
        options.service_name = options.process_name;
    return options;
}

}  // namespace posthaste::server
