// options.cc — see options.h.
#include "command/smtp-sink/options.h"

#include "base/text.h"
#include "testmail/command_line.h"

#include <fmt/format.h>
#include <getopt.h>
#include <limits>
#include <unistd.h>
#include <vector>

namespace posthaste::command::smtp_sink {

namespace {

using testmail::die;
using testmail::number;

constexpr std::string_view usage =
    "usage: smtp-sink [-468acCeEFLNpPv] [-A abort_delay] [-b soft_bounce_reply] [-B hard_bounce_reply] "
    "[-d dump-template] [-D dump-template] [-f commands] [-h hostname] [-H delay] [-m max_concurrency] "
    "[-M message_quit_count] [-n quit_count] [-q commands] [-Q commands] [-r commands] [-R root-dir] [-s commands] "
    "[-S start-string] [-t timeout] [-T windowsize] [-u user_privs] [-w delay] [-W command:delay[:odds]] "
    "[--ledger file] [host]:port backlog | smtp-sink --check source-ledger sink-ledger";

constexpr std::int64_t largest_int = std::numeric_limits<int>::max();
constexpr std::int64_t longest_delay = 1'000'000;

Treatment& treatment_of(Options& options, std::string_view name)
{
    std::optional<Verb> verb = find_verb(name);
    if (!verb)
        die(fmt::format("unknown command: {}", name));
    return options.treatments[static_cast<std::size_t>(*verb)];
}

void treat(Options& options, std::string_view names, bool Treatment::* how)
{
    for (std::string_view name : split(names, ", \t\r\n"))
        treatment_of(options, name).*how = true;
}

std::chrono::seconds seconds(std::string_view text, std::string_view what, std::int64_t minimum)
{
    return std::chrono::seconds(number(text, what, minimum, longest_delay));
}

// -b and -B: a code of that class and a text.
std::string error_reply(std::string_view text, char digit, std::string_view what)
{
    bool good = text.size() > 4 && text[0] == digit && is_ascii_digit(text[1]) && is_ascii_digit(text[2]) &&
                text[3] == ' ' && text == printable(text);
    if (!good)
        die(fmt::format("bad {} error reply: {}", what, text));
    return std::string(text);
}

// -W command:delay[:odds]
void set_delay(Options& options, std::string_view argument)
{
    std::vector<std::string_view> parts = split(argument, ":");
    if (parts.size() < 2 || parts.size() > 3)
        die(fmt::format("invalid command delay argument: {}", argument));
    Treatment& treatment = treatment_of(options, parts[0]);
    treatment.delay = seconds(parts[1], fmt::format("'{}' delay", parts[0]), 1);
    if (parts.size() == 3)
        treatment.odds = static_cast<int>(number(parts[2], fmt::format("delay odds for '{}'", parts[0]), 1, 99));
}

void finish(Options& options)
{
    if (!options.dump_one.empty() && !options.dump_all.empty())
        die("use only one of -d or -D, but not both");
    if (options.pix)
        options.esmtp = false;
    for (const Treatment& treatment : options.treatments)
        if (treatment.hard_error || treatment.soft_error)
            options.announce_pipelining = false;
}

// False: not an option that only sets a flag.
bool take_flag(Options& options, int letter)
{
    switch (letter) {
    case '4': options.family = AF_INET; return true;
    case '6': options.family = AF_INET6; return true;
    case '8': options.announce_8bitmime = false; return true;
    case 'a': options.announce_auth = false; return true;
    case 'c': options.counters = true; return true;
    case 'C': options.xclient = false; return true;
    case 'e': options.esmtp = false; return true;
    case 'E': options.announce_enhanced_codes = false; return true;
    case 'F': options.xforward = false; return true;
    case 'L': options.lmtp = true; return true;
    case 'N': options.announce_dsn = false; return true;
    case 'p': options.announce_pipelining = false; return true;
    case 'P': options.pix = true; return true;
    case 'v': ++options.verbosity; return true;
    default: return false;
    }
}

void take_argument(Options& options, int letter, std::string_view text)
{
    switch (letter) {
    case 'A': options.abort_after = seconds(text, "abort delay", 0); break;
    case 'b': options.soft_error = error_reply(text, '4', "soft"); break;
    case 'B': options.hard_error = error_reply(text, '5', "hard"); break;
    case 'd': options.dump_one = text; break;
    case 'D': options.dump_all = text; break;
    case 'f': treat(options, text, &Treatment::hard_error); break;
    case 'h': options.hostname = text; break;
    case 'H': options.read_delay = seconds(text, "read delay", 1); break;
    case 'm': options.connections = static_cast<std::size_t>(number(text, "concurrency limit", 1)); break;
    case 'M': options.messages = number(text, "message quit count", 1); break;
    case 'n': options.sessions = number(text, "quit count", 1); break;
    case 'q': treat(options, text, &Treatment::disconnect); break;
    case 'Q': treat(options, text, &Treatment::disconnect_with_reply); break;
    case 'r': treat(options, text, &Treatment::soft_error); break;
    case 'R': options.root_directory = text; break;
    case 's': treat(options, text, &Treatment::log); break;
    case 'S': options.start_string = without_escapes(text); break;
    case 't': options.timeout = seconds(text, "timeout", 1); break;
    case 'T': options.window = static_cast<int>(number(text, "TCP window size", 1, largest_int)); break;
    case 'u': options.user = text; break;
    case 'w': treatment_of(options, "DATA").delay = seconds(text, "DATA delay", 1); break;
    case 'W': set_delay(options, text); break;
    default: die(usage);
    }
}

}  // namespace

Options parse_options(int argc, char** argv)
{
    enum Long : int { Ledger = 256, Check };
    static constexpr std::array<option, 3> long_options{option{"ledger", required_argument, nullptr, Ledger},
                                                        option{"check", no_argument, nullptr, Check}, option{}};
    Options options;
    bool check = false;
    constexpr const char* letters = "468aA:b:B:cCd:D:eEf:Fh:H:Lm:M:n:NpPq:Q:r:R:s:S:t:T:u:vw:W:";
    for (int each; (each = ::getopt_long(argc, argv, letters, long_options.data(), nullptr)) != -1;) {
        if (each == Ledger)
            options.ledger = ::optarg;
        else if (each == Check)
            check = true;
        else if (!take_flag(options, each))
            take_argument(options, each, ::optarg ? ::optarg : "");
    }
    if (argc - ::optind != 2)
        die(usage);
    if (check) {
        options.source_ledger = argv[::optind];
        options.sink_ledger = argv[::optind + 1];
        return options;
    }
    options.destination = argv[::optind];
    options.backlog = static_cast<int>(number(argv[::optind + 1], "backlog", 1, largest_int));
    finish(options);
    return options;
}

std::string without_escapes(std::string_view text)
{
    constexpr std::string_view letters = "abfnrtv";
    constexpr std::string_view meanings = "\a\b\f\n\r\t\v";
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            result.push_back(text[i]);
            continue;
        }
        char next = text[++i];
        if (std::size_t found = letters.find(next); found != std::string_view::npos) {
            result.push_back(meanings[found]);
        } else if (next >= '0' && next <= '7') {
            unsigned value = 0;
            std::size_t digits = 0;
            for (; digits < 3 && i + digits < text.size() && text[i + digits] >= '0' && text[i + digits] <= '7';
                 ++digits)
                value = value * 8 + static_cast<unsigned>(text[i + digits] - '0');
            result.push_back(static_cast<char>(value));
            i += digits - 1;
        } else {
            result.push_back(next);
        }
    }
    return result;
}

}  // namespace posthaste::command::smtp_sink
