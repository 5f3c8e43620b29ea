// sendmail(1), see sendmail.h.
#include "command/sendmail/sendmail.h"

#include "base/text.h"
#include "command/sendmail/arguments.h"
#include "command/sendmail/message_input.h"
#include "command/sendmail/submit.h"
#include "config/config.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/commands.h"
#include "param/local.h"
#include "queue/envelope.h"
#include "server/command_config.h"
#include "server/log_setup.h"
#include "table/text_source.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

namespace posthaste::command::sendmail {

namespace {

struct User {
    uid_t uid = 0;
    std::string name;
    std::string full_name;
};

// passwd(5): the full name is the first part of the comment, "&" stands for the login name.
User calling_user()
{
    User user{.uid = ::getuid(), .name = {}, .full_name = {}};
    const passwd* entry = ::getpwuid(user.uid);
    if (entry == nullptr) {
        user.name = fmt::format("uid{}", user.uid);
        return user;
    }
    user.name = entry->pw_name;
    std::string_view comment = entry->pw_gecos == nullptr ? "" : entry->pw_gecos;
    for (char c : comment.substr(0, comment.find(','))) {
        if (c == '&')
            user.full_name.append(1, ascii_upper(user.name[0])).append(user.name, 1);
        else
            user.full_name += c;
    }
    return user;
}

int fatal(int status, std::string_view text)
{
    log::write(log::Severity::Fatal, text);
    log::flush();
    return status;
}

int fatal(const User& user, int status, std::string_view text)
{
    return fatal(status, fmt::format("{}({}): {}", user.name, user.uid, text));
}

LineEndFix line_end_fix(const std::string& value)
{
    if (value == "never")
        return LineEndFix::Never;
    return value == "strict" ? LineEndFix::Strict : LineEndFix::Always;
}

// Replaces this process.
int execute(const std::string& directory, std::vector<std::string> command)
{
    std::string program = directory + "/" + command[0];
    std::vector<char*> argv;
    for (std::string& word : command)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(program.c_str(), argv.data());
    return fatal(EX_OSERR, Error::system(errno, "execute " + program).text());
}

// -bi: the table of -oA, or every table of alias_database.
int rebuild_aliases(const Arguments& arguments, const config::Config& config)
{
    std::vector<std::string> command{"postalias"};
    for (int i = 0; i < arguments.verbosity; ++i)
        command.emplace_back("-v");
    const std::size_t options = command.size();
    if (!arguments.alias_database.empty()) {
        command.push_back(arguments.alias_database);
    } else {
        auto tables = table::split_outside_braces(config.get(param::alias_database), table::list_separators);
        if (!tables)
            return fatal(EX_TEMPFAIL, "alias_database: " + tables.error().text());
        command.insert(command.end(), tables->begin(), tables->end());
    }
    if (command.size() == options)
        return EX_OK;
    return execute(config.get(param::command_directory), std::move(command));
}

// What the command line leaves to the user's account and environment.
void add_user_facts(Arguments& arguments, const User& user)
{
    intake::Submission& submission = arguments.submission;
    if (!arguments.sender_given)
        submission.sender = user.name;
    if (submission.full_name.empty())
        if (const char* name = std::getenv("NAME"))
            submission.full_name = printable(name);
    if (submission.full_name.empty())
        submission.full_name = user.full_name;
}

// The message that asks what would happen to these recipients (-bv).
std::string probe(const intake::Submission& submission)
{
    std::string list;
    for (const auto& recipient : submission.recipients)
        list += (list.empty() ? "To:\t" : ",\r\n\t") + recipient.address;
    return "Subject: probe\r\n" + list + "\r\n\r\n";
}

// The envelope, the header as far as it has been read, and the rest of the input.
Result<void> send(Postdrop& postdrop, const intake::Submission& submission, std::string_view header,
                  MessageInput& input)
{
    std::string piece = intake::begin_submission(submission);
    auto write = [&](std::string_view content) -> Result<void> {
        intake::append_piece(piece, content);
        auto written = postdrop.write(piece);
        piece.clear();
        return written;
    };
    if (submission.trace == static_cast<std::uint8_t>(queue::Trace::Verify)) {
        TRY(write(probe(submission)));
    } else {
        TRY(write(header));
        TRY(input.read_rest(write));
    }
    return postdrop.write(intake::submission_end);
}

// postconf(5) default_verp_delimiters, verp_delimiter_filter.
Result<void> complete_verp(Arguments& arguments, const config::Config& config)
{
    std::string& delimiters = arguments.submission.verp_delimiters;
    const std::string& allowed = config.get(param::verp_delimiter_filter);
    if (arguments.verp && delimiters.empty())
        delimiters = config.get(param::default_verp_delimiters);
    if (arguments.verp && (delimiters.size() != 2 || delimiters.find_first_not_of(allowed) != std::string::npos))
        return fail(ErrorKind::Invalid, "-V requires two characters from " + allowed);
    return {};
}

int submit(Arguments& arguments, const config::Config& config)
{
    const User user = calling_user();
    if (auto complete = complete_verp(arguments, config); !complete)
        return fatal(EX_TEMPFAIL, complete.error().text());
    add_user_facts(arguments, user);
    intake::Submission& submission = arguments.submission;
    if (submission.recipients.empty() && !arguments.extract_recipients)
        return fatal(user, EX_TEMPFAIL,
                     "Recipient addresses must be specified on the command line or via the -t option");

    MessageInput input(STDIN_FILENO, line_end_fix(config.get(param::sendmail_fix_line_endings)),
                       arguments.dot_ends_message);
    std::string header;
    if (arguments.extract_recipients) {
        auto read = input.read_header();
        if (!read)
            return fatal(user, EX_DATAERR, read.error().text());
        header = std::move(*read);
        for (std::string& address : header_recipients(header))
            submission.recipients.push_back({std::move(address), 0});
        if (submission.recipients.empty())
            return fatal(user, EX_TEMPFAIL, "No recipient addresses found in message header");
    }
    for (auto& recipient : submission.recipients)
        recipient.notify = arguments.notify;
    auto postdrop = Postdrop::start(config.get(param::command_directory) + "/postdrop", config);
    if (!postdrop)
        return fatal(user, EX_OSERR, postdrop.error().text());
    Result<void> sent = send(*postdrop, submission, header, input);
    auto answer = postdrop->finish();
    if (answer.status == EX_OK && !sent)
        answer = {EX_OSERR, sent.error().text()};
    if (answer.status != EX_OK)
        return fatal(user, answer.status, answer.reason);
    if (submission.trace != 0)
        fmt::print("Mail Delivery Status Report will be mailed to <{}>.\n", submission.sender);
    return EX_OK;
}

// A bad value somewhere in main.cf is no reason not to show the queue: those commands report it themselves.
Result<std::shared_ptr<const config::Config>> load_config(const Arguments& arguments)
{
    if (arguments.mode == Mode::Deliver || arguments.mode == Mode::StandAlone || arguments.mode == Mode::Aliases)
        return config::load({.config_directory = arguments.config_directory, .process_name = "sendmail"});
    return server::load_command_config("sendmail", arguments.config_directory);
}

int perform(Arguments& arguments, const config::Config& config)
{
    const std::string& commands = config.get(param::command_directory);
    switch (arguments.mode) {
    case Mode::Deliver: return submit(arguments, config);
    case Mode::Daemon: return execute(commands, {"postfix", "start"});
    case Mode::StandAlone: return execute(config.get(param::daemon_directory), {"smtpd", "-S"});
    case Mode::List: return execute(commands, {"postqueue", "-p"});
    case Mode::Aliases: return rebuild_aliases(arguments, config);
    case Mode::Flush: return execute(commands, {"postqueue", "-f"});
    case Mode::FlushId: return execute(commands, {"postqueue", "-i", arguments.flush_what});
    case Mode::FlushSite: return execute(commands, {"postqueue", "-s", arguments.flush_what});
    case Mode::Nothing: return EX_OK;
    }
    return EX_SOFTWARE;
}

}  // namespace

int run(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN);
    log::init({.tag = "postfix", .program = program_name(argc, argv), .to_log = false});
    auto arguments = parse_arguments(argc, argv);
    if (!arguments)
        return fatal(EX_TEMPFAIL, arguments.error().text());
    // The programs that are executed look into the same directory.
    if (!arguments->config_directory.empty())
        ::setenv("MAIL_CONFIG", arguments->config_directory.c_str(), 1);
    auto config = load_config(*arguments);
    if (!config)
        return fatal(EX_TEMPFAIL, config.error().text());  // sendmail(1): programs keep the message and try again
    server::set_up_log(**config, {.program = arguments->program, .to_stderr = true});
    for (const std::string& warning : arguments->warnings)
        log::warning("{}", warning);
    const std::string& queue_directory = (*config)->get(param::queue_directory);
    if (::access(queue_directory.c_str(), X_OK) != 0)
        return fatal(EX_TEMPFAIL, Error::system(errno, "chdir " + queue_directory).text());
    return perform(*arguments, **config);
}

}  // namespace posthaste::command::sendmail
