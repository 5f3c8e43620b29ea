// options.cc — see options.h.
#include "command/smtp-source/options.h"

#include "testmail/command_line.h"

#include <array>
#include <getopt.h>
#include <limits>
#include <string_view>
#include <unistd.h>

namespace posthaste::command::smtp_source {

namespace {

using testmail::die;
using testmail::number;

constexpr std::string_view usage =
    "usage: smtp-source [-46AcdLNov] [-C count] [-f from] [-F file] [-l length] [-m messages] [-M myhostname] "
    "[-r recipients] [-R delay] [-s sessions] [-S subject] [-t to] [-T windowsize] [-w delay] [--connecting count] "
    "[--ledger file] [--pipelining] host[:port]";

constexpr std::int64_t largest_int = std::numeric_limits<int>::max();
constexpr std::int64_t longest_delay = 1'000'000;

std::string this_machine()
{
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0)
        die("cannot determine the name of this machine: use -M");
    return name.data();
}

void check(const Options& options)
{
    if (options.fixed_delay.count() != 0 && options.random_delay.count() != 0)
        die("do not use -w and -R options at the same time");
    if (!options.file.empty() && options.length != 0)
        die("-l option cannot be used with -F");
    if (!options.file.empty() && !options.subject.empty())
        die("-S option cannot be used with -F");
    if (options.old_mode && !options.ledger.empty())
        die("--ledger needs a message header: do not use -o");
    if (options.old_mode && options.pipelining)
        die("--pipelining needs EHLO: do not use -o");
}

}  // namespace

Options parse_options(int argc, char** argv)
{
    enum Long : int { Connecting = 256, Ledger, Pipelining };
    static constexpr std::array<option, 4> long_options{option{"connecting", required_argument, nullptr, Connecting},
                                                        option{"ledger", required_argument, nullptr, Ledger},
                                                        option{"pipelining", no_argument, nullptr, Pipelining},
                                                        option{}};
    Options options;
    for (int each; (each = ::getopt_long(argc, argv, "46AcC:df:F:l:Lm:M:Nor:R:s:S:t:T:vw:", long_options.data(),
                                         nullptr)) != -1;) {
        switch (each) {
        case '4': options.family = AF_INET; break;
        case '6': options.family = AF_INET6; break;
        case 'A': options.go_on = true; break;
        case 'c': options.counter = true; break;
        case 'C': options.connect_tries = number(::optarg, "connection count", 1); break;
        case 'd': options.reuse = true; break;
        case 'f': options.sender = ::optarg; break;
        case 'F': options.file = ::optarg; break;
        case 'l': options.length = static_cast<std::size_t>(number(::optarg, "message length", 1, largest_int)); break;
        case 'L': options.lmtp = true; break;
        case 'm': options.messages = number(::optarg, "message count", 1); break;
        case 'M': options.hostname = ::optarg; break;
        case 'N': options.number_recipients = true; break;
        case 'o': options.old_mode = true; break;
        case 'r': options.recipients = number(::optarg, "recipient count", 1, largest_int); break;
        case 'R':
            options.random_delay = std::chrono::seconds(number(::optarg, "random delay", 1, longest_delay));
            break;
        case 's': options.sessions = number(::optarg, "session count", 1, largest_int); break;
        case 'S': options.subject = ::optarg; break;
        case 't': options.recipient = ::optarg; break;
        case 'T': options.window = static_cast<int>(number(::optarg, "TCP window size", 1, largest_int)); break;
        case 'v': ++options.verbosity; break;
        case 'w': options.fixed_delay = std::chrono::seconds(number(::optarg, "fixed delay", 1, longest_delay)); break;
        case Connecting: options.connecting = number(::optarg, "connecting count", 1, largest_int); break;
        case Ledger: options.ledger = ::optarg; break;
        case Pipelining: options.pipelining = true; break;
        default: die(usage);
        }
    }
    if (argc - ::optind != 1)
        die(usage);
    options.destination = argv[::optind];
    check(options);
    if (options.hostname.empty())
        options.hostname = this_machine();
    if (!options.sender)
        options.sender = "foo@" + options.hostname;
    if (options.recipient.empty())
        options.recipient = "foo@" + options.hostname;
    return options;
}

}  // namespace posthaste::command::smtp_source
