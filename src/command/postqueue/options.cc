// options.cc — see options.h.
#include "command/postqueue/options.h"

#include "base/text.h"
#include "config/value.h"
#include "daemon/flush/protocol.h"
#include "log/log.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <getopt.h>
#include <optional>
#include <sysexits.h>

namespace posthaste::command::postqueue {

namespace {

// Postfix has one exit status for whatever postqueue cannot do, bad usage included.
constexpr std::string_view usage =
    "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site | "
    "postqueue --ids | postqueue --summary [-j]; when listing: [--to address] [--from address] [--reason text] "
    "[--older-than time]";

constexpr std::string_view need_listing =
    "--to, --from, --reason and --older-than select from a listing: -p, -j, --ids or --summary";

enum LongOption : int { Ids = 256, Summary, To, From, Reason, OlderThan };
constexpr option long_options[] = {{"ids", no_argument, nullptr, Ids},
                                   {"summary", no_argument, nullptr, Summary},
                                   {"to", required_argument, nullptr, To},
                                   {"from", required_argument, nullptr, From},
                                   {"reason", required_argument, nullptr, Reason},
                                   {"older-than", required_argument, nullptr, OlderThan},
                                   {nullptr, 0, nullptr, 0}};

[[noreturn]] void misuse(std::string_view problem)
{
    log::write(log::Severity::Warning, problem);
    fatal(EX_UNAVAILABLE, usage);
}

// postconf(5): a number with s, m, h, d or w; seconds without.
std::chrono::seconds age(std::string_view text)
{
    auto time = config::parse_time(text, 's', {.minimum = 0, .maximum = 1'000'000'000});
    if (!time)
        fatal(EX_UNAVAILABLE, fmt::format("--older-than: bad time: {}", printable(text)));
    return *time;
}

// What may be a queue id of any mail system; that no message has it is no error.
constexpr std::size_t longest_name = 100;
bool is_word(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_ascii_alnum); }

// One mode; --summary and -j together are one, too.
class ModeChoice {
public:
    void choose(Mode mode)
    {
        if (mode == Mode::Summary && chosen_ == Mode::Json)
            chosen_ = Mode::JsonSummary;
        else if (mode == Mode::Json && chosen_ == Mode::Summary)
            chosen_ = Mode::JsonSummary;
        else if (chosen_)
            misuse("only one of -f, -i, -j, -p, -s, --ids and --summary goes at a time (--summary with -j)");
        else
            chosen_ = mode;
    }
    [[nodiscard]] bool is_chosen() const { return chosen_.has_value(); }
    [[nodiscard]] Mode get() const
    {
        if (!chosen_)
            fatal(EX_UNAVAILABLE, usage);
        return *chosen_;
    }

private:
    std::optional<Mode> chosen_;
};

}  // namespace

void fatal(int status, std::string_view text)
{
    log::write(log::Severity::Fatal, text);
    log::flush();
    std::exit(status);
}

Options parse_options(int argc, char** argv)
{
    Options options;
    ModeChoice mode;
    auto choose_with_argument = [&](Mode which) {
        mode.choose(which);
        options.argument = ::optarg;
    };
    for (int option; (option = ::getopt_long(argc, argv, "c:fi:jps:v", long_options, nullptr)) != -1;) {
        switch (option) {
        case 'c': options.config_directory = ::optarg; break;
        case 'f': mode.choose(Mode::FlushAll); break;
        case 'i': choose_with_argument(Mode::FlushId); break;
        case 'j': mode.choose(Mode::Json); break;
        case 'p': mode.choose(Mode::List); break;
        case 's': choose_with_argument(Mode::FlushSite); break;
        case 'v': break;
        case Ids: mode.choose(Mode::Ids); break;
        case Summary: mode.choose(Mode::Summary); break;
        case To: options.selection.to.emplace_back(::optarg); break;
        case From: options.selection.from.emplace_back(::optarg); break;
        case Reason: options.selection.reasons.emplace_back(::optarg); break;
        case OlderThan: options.selection.older_than = age(::optarg); break;
        default: fatal(EX_UNAVAILABLE, usage);
        }
    }
    if (!mode.is_chosen() && !options.selection.takes_all())
        misuse(need_listing);
    options.mode = mode.get();
    if (::optind < argc)
        misuse(fmt::format("unexpected argument: {}", printable(argv[::optind])));
    if (!is_listing(options.mode) && !options.selection.takes_all())
        misuse(need_listing);
    if (options.mode == Mode::FlushId && !(is_word(options.argument) && options.argument.size() <= longest_name))
        fatal(EX_UNAVAILABLE, fmt::format("Cannot flush queue ID - invalid name: \"{}\"", printable(options.argument)));
    if (options.mode == Mode::FlushSite && !flush::is_valid_site(options.argument))
        fatal(EX_UNAVAILABLE,
              fmt::format("Cannot flush mail queue - invalid destination: \"{}\"", printable(options.argument)));
    return options;
}

}  // namespace posthaste::command::postqueue
