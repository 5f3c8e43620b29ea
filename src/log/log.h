// The logger: what this process tells the operator.
//
// Lines are collected in memory and written in one batch before the loop would block, when flush() is called, and
// when 32 KiB have come together; a process without a loop (a command) writes each line at once. Code that hands a
// message to another process calls flush() first, so that the lines of the next step never precede its own and a
// kill loses no line of acknowledged mail.
//
// Lines that other programs parse are not written here but by the functions in log/events.h. Control characters
// and bytes that are not UTF-8 are made harmless on the way out. All functions may be called from any thread.
#pragma once

#include <fmt/core.h>
#include <string>
#include <string_view>
#include <utility>

namespace posthaste::log {

enum class Severity : unsigned char { Debug, Info, Warning, Error, Fatal, Panic };

struct Options {
    std::string tag = "postfix";    // syslog_name: what stands before the slash
    std::string shared_tag;         // the tag of line(); empty: the same as tag
    std::string program;            // what stands after the slash
    std::string facility = "mail";  // syslog_facility
    std::string hostname;           // for files; empty: this machine's name up to the first dot
    std::string maillog_file;       // empty: syslog
    std::string postlog_socket;     // postlogd's socket, tried before the file itself; empty: never
    unsigned file_mode = 0600;      // maillog_file_permissions
    bool to_stderr = true;          // also "program: text" on stderr
    bool to_log = true;             // false: nothing but stderr (commands that must leave no trace)
    bool wait_for_reader = true;    // when the reader is behind; false: lines are kept and offered again
    int verbosity = 0;              // number of -v; debug() is silent at 0
};

// Until init() is called, lines go to stderr only. May be called again (after reading main.cf, on reload).
void init(Options options);
// From now on lines are collected and written before the loop waits. For processes with a running net::Loop.
void batch_in_loop();
// Opens what must be open before chroot(2) and setuid(2); init() does it, too, as far as it can.
void open_before_jail();
// In a child after fork(2): forget the parent's pending lines and take the new process id.
void after_fork();
// Writes what has been collected. Waits a bounded time for a reader that is behind rather than lose lines.
void flush();

[[nodiscard]] const Options& options();
[[nodiscard]] bool verbose();

// One line with the prefix of its severity ("warning: ", "error: ", "fatal: ", "panic: ").
void write(Severity severity, std::string_view text);
// A line of another program that this process does the work of: intake in smtpd logs as postfix/cleanup.
void line(std::string_view program, std::string_view text);
void line(std::string_view program, Severity severity, std::string_view text);

namespace detail {
void vwrite(Severity severity, fmt::string_view format, fmt::format_args arguments);
[[noreturn]] void vfatal(fmt::string_view format, fmt::format_args arguments);
}  // namespace detail

template<class... T>
void info(fmt::format_string<T...> format, T&&... arguments)
{
    detail::vwrite(Severity::Info, format, fmt::make_format_args(arguments...));
}

template<class... T>
void warning(fmt::format_string<T...> format, T&&... arguments)
{
    detail::vwrite(Severity::Warning, format, fmt::make_format_args(arguments...));
}

template<class... T>
void error(fmt::format_string<T...> format, T&&... arguments)
{
    detail::vwrite(Severity::Error, format, fmt::make_format_args(arguments...));
}

// Written when the process was started with -v.
template<class... T>
void debug(fmt::format_string<T...> format, T&&... arguments)
{
    if (verbose())
        detail::vwrite(Severity::Debug, format, fmt::make_format_args(arguments...));
}

// This process cannot go on. Only in start-up code: writes the line, waits a second so that a broken configuration
// does not turn into a busy loop of restarts, and exits with status 1.
template<class... T>
[[noreturn]] void fatal(fmt::format_string<T...> format, T&&... arguments)
{
    detail::vfatal(format, fmt::make_format_args(arguments...));
}

}  // namespace posthaste::log
