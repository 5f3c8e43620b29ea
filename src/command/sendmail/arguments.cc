// The command line of sendmail(1), see arguments.h.
#include "command/sendmail/arguments.h"

#include "address/header_list.h"
#include "base/text.h"
#include "command/sendmail/recipients.h"
#include "queue/envelope.h"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace posthaste::command::sendmail {

namespace {

// -f and -r: one address, of which a list's first counts; the log and the envelope never see control characters.
void set_sender(Arguments& arguments, char option, std::string_view text)
{
    arguments.sender_given = true;
    auto list = address::parse_address_list(text);
    if (text.empty() || text == "<>") {
        arguments.submission.sender.clear();
        return;
    }
    bool has_line_end = text.find_first_of("\r\n") != std::string_view::npos;
    if (list.addresses.size() != 1 || !list.addresses.front().valid || has_line_end)
        arguments.warnings.push_back(fmt::format("-{} option specified malformed sender: {}", option, printable(text)));
    arguments.submission.sender = list.addresses.empty() ? std::string() : list.addresses.front().address;
}

// RFC 3461 4.1, as a list with commas.
void set_notify(Arguments& arguments, std::string_view text)
{
    std::uint8_t notify = 0;
    for (std::string_view word : split(text, ", ")) {
        if (equal_ignoring_case(word, "never"))
            notify |= queue::notify_never;
        else if (equal_ignoring_case(word, "success"))
            notify |= queue::notify_success;
        else if (equal_ignoring_case(word, "failure"))
            notify |= queue::notify_failure;
        else if (equal_ignoring_case(word, "delay"))
            notify |= queue::notify_delay;
        else
            arguments.warnings.push_back(
                fmt::format("unknown DSN NOTIFY command value \"{}\" in \"{}\"", printable(word), printable(text)));
    }
    bool contradicts = (notify & queue::notify_never) != 0 && notify != queue::notify_never;
    if (notify == 0 || contradicts)
        arguments.warnings.emplace_back("bad -N option value -- ignored");
    else
        arguments.notify = notify;
}

void set_return(Arguments& arguments, std::string_view text)
{
    if (equal_ignoring_case(text, "full"))
        arguments.submission.dsn_return = static_cast<std::uint8_t>(queue::DsnReturn::Full);
    else if (equal_ignoring_case(text, "hdrs"))
        arguments.submission.dsn_return = static_cast<std::uint8_t>(queue::DsnReturn::Headers);
    else
        arguments.warnings.emplace_back("bad -R option value -- ignored");
}

Result<void> set_encoding(Arguments& arguments, std::string_view text)
{
    if (equal_ignoring_case(text, "8bitmime"))
        arguments.submission.encoding = static_cast<std::uint8_t>(queue::BodyEncoding::EightBit);
    else if (!equal_ignoring_case(text, "7bit"))
        return fail(ErrorKind::Invalid, "-B option needs 8BITMIME or 7BIT");
    return {};
}

Result<void> set_mode(Arguments& arguments, char letter)
{
    switch (letter) {
    case 'm': arguments.mode = Mode::Deliver; break;
    case 'v':
        arguments.mode = Mode::Deliver;
        arguments.submission.trace = static_cast<std::uint8_t>(queue::Trace::Verify);
        break;
    case 'd':
    case 'l': arguments.mode = Mode::Daemon; break;
    case 's': arguments.mode = Mode::StandAlone; break;
    case 'p': arguments.mode = Mode::List; break;
    case 'i': arguments.mode = Mode::Aliases; break;
    case 'h':
    case 'H': arguments.mode = Mode::Nothing; break;  // there is no status of hosts to show
    default: return fail(ErrorKind::Invalid, fmt::format("unsupported: -b{}", letter));
    }
    return {};
}

// -q, -q5m, -qIid, -qRsite
Result<void> set_queue_run(Arguments& arguments, std::string_view what)
{
    if (what.empty()) {
        arguments.mode = Mode::Flush;
    } else if (is_ascii_digit(what.front())) {
        arguments.mode = arguments.mode == Mode::Daemon ? Mode::Daemon : Mode::Nothing;
    } else if (what.front() == 'I' || what.front() == 'R') {
        const bool by_id = what.front() == 'I';
        if (what.size() == 1)
            return fail(ErrorKind::Invalid, by_id ? "specify: -qIqueueid" : "specify: -qRsitename");
        arguments.mode = by_id ? Mode::FlushId : Mode::FlushSite;
        arguments.flush_what = what.substr(1);
    } else {
        return fail(ErrorKind::Invalid, fmt::format("-q{} is not implemented", what.front()));
    }
    return {};
}

// -XV (Postfix's own), with two delimiters or without. Which ones are allowed is known when main.cf has been read.
Result<void> set_verp(Arguments& arguments, std::string_view text)
{
    arguments.verp = true;
    arguments.submission.verp_delimiters = text;
    return {};
}

// -C names the configuration directory, or main.cf in it.
std::string directory_of(std::string_view path)
{
    constexpr std::string_view file = "main.cf";
    if (path == file)
        return ".";
    if (path.ends_with("/main.cf"))
        path.remove_suffix(file.size() + 1);
    return path.empty() ? "/" : std::string(path);
}

Result<void> apply(Arguments& arguments, char option, std::string_view value)
{
    switch (option) {
    case 'B': return set_encoding(arguments, value);
    case 'b': return set_mode(arguments, value.empty() ? ' ' : value.front());
    case 'C': arguments.config_directory = directory_of(value); break;
    case 'F': arguments.submission.full_name = printable(value); break;
    case 'f':
    case 'r': set_sender(arguments, option, value); break;
    case 'G': arguments.submission.relayed = true; break;
    case 'I': arguments.mode = Mode::Aliases; break;
    case 'i': arguments.dot_ends_message = false; break;
    case 'n': return fail(ErrorKind::Invalid, "-n option not supported");
    case 'o':
        if (value == "i")
            arguments.dot_ends_message = false;
        else if (value.starts_with('A'))
            arguments.alias_database = value.substr(1);
        break;
    case 'q': return set_queue_run(arguments, value);
    case 'N': set_notify(arguments, value); break;
    case 'R': set_return(arguments, value); break;
    case 't': arguments.extract_recipients = true; break;
    case 'V':
        if (value.size() > 1 && value.front() == 'V')
            return set_verp(arguments, value.substr(1));
        arguments.submission.envid = printable(value);
        break;
    case 'X':
        if (!value.starts_with('V'))
            return fail(ErrorKind::Invalid, fmt::format("unsupported: -X{}", value.substr(0, 1)));
        return set_verp(arguments, value.substr(1));
    case 'v': ++arguments.verbosity; break;
    default: break;
    }
    return {};
}

// Each argument is a list of addresses as in a header; an empty one is the empty address (empty_address_recipient).
void add_recipients(Arguments& arguments, std::string_view given)
{
    auto recipients = listed_recipients(given);
    if (recipients.empty())
        recipients.emplace_back();
    for (std::string& address : recipients)
        arguments.submission.recipients.push_back({std::move(address), 0});
}

// What a mode is called that has nothing to send; empty for the others.
std::string_view mode_without_recipients(Mode mode)
{
    switch (mode) {
    case Mode::Daemon: return "daemon mode";
    case Mode::List: return "display queue mode";
    case Mode::Aliases: return "alias initialization mode";
    case Mode::Flush: return "flush queue mode";
    case Mode::FlushId: return "flush queue_id";
    case Mode::FlushSite: return "flush site";
    default: return {};
    }
}

}  // namespace

std::string program_name(int argc, char** argv)
{
    const std::string_view path = argc > 0 ? argv[0] : "sendmail";
    return std::string(path.substr(path.rfind('/') + 1));
}

Result<Arguments> parse_arguments(int argc, char** argv)
{
    Arguments arguments;
    arguments.program = program_name(argc, argv);
    if (arguments.program == "mailq")
        arguments.mode = Mode::List;
    else if (arguments.program == "newaliases")
        arguments.mode = Mode::Aliases;

    ::optind = 1;
    for (int option = 0; (option = ::getopt(argc, argv, "A:B:C:F:GIL:N:O:R:UV:X:b:ce:f:h:imno:p:q::r:tvx")) != -1;) {
        if (option == '?')
            return fail(ErrorKind::Invalid, "usage: sendmail [options]");
        std::string_view value = ::optarg == nullptr ? std::string_view() : std::string_view(::optarg);
        TRY(apply(arguments, static_cast<char>(option), value));
    }
    if (arguments.extract_recipients && arguments.submission.trace == static_cast<std::uint8_t>(queue::Trace::Verify))
        return fail(ErrorKind::Invalid, "-t option cannot be used with -bv");
    if (arguments.mode == Mode::Deliver && arguments.verbosity > 0 && arguments.submission.trace == 0)
        arguments.submission.trace = static_cast<std::uint8_t>(queue::Trace::Report);
    for (int i = ::optind; i < argc; ++i)
        add_recipients(arguments, argv[i]);
    const std::string_view mode = mode_without_recipients(arguments.mode);
    if (!arguments.submission.recipients.empty() && !mode.empty())
        return fail(ErrorKind::Invalid, fmt::format("{} requires no recipient", mode));
    return arguments;
}

}  // namespace posthaste::command::sendmail
