// log.cc — formatting and batching of lines; where they go is sink.cc.
//
// One state a process behind a mutex: threads other than the loop's log rarely, an uncontended lock costs
// nanoseconds. Lines that no reader takes are kept up to keep_limit bytes and offered again once a second.
#include "log/log.h"

#include "base/result.h"
#include "base/text.h"
#include "log/sink.h"
#include "log/unwritten.h"
#include "net/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <string>
#include <syslog.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace posthaste::log {

namespace {

constexpr std::size_t batch_limit = std::size_t{32} << 10;
constexpr std::size_t keep_limit = std::size_t{1} << 20;
constexpr std::size_t line_limit = std::size_t{8} << 10;
constexpr std::chrono::seconds retry_interval{1};

struct State {
    std::mutex mutex;
    Options options;
    std::unique_ptr<Sink> sink;
    std::string batch;
    std::vector<Record> records;
    std::chrono::steady_clock::time_point retry_at;
    std::time_t second = 0;
    std::string stamp;  // "Nov 21 04:38:08 " of that second, with the host name if the sink needs it
    std::string process_id = std::to_string(::getpid());
    int facility = LOG_MAIL;
    bool batching = false;
    bool hooked = false;
};

State& state()
{
    static auto* the_state = new State();  // never destroyed: lines are written until the very end
    return *the_state;
}

int facility_of(std::string_view name)
{
    struct Facility {
        std::string_view name;
        int code;
    };
    static constexpr std::array facilities{
        Facility{"auth", LOG_AUTH},     Facility{"authpriv", LOG_AUTHPRIV}, Facility{"cron", LOG_CRON},
        Facility{"daemon", LOG_DAEMON}, Facility{"ftp", LOG_FTP},           Facility{"kern", LOG_KERN},
        Facility{"local0", LOG_LOCAL0}, Facility{"local1", LOG_LOCAL1},     Facility{"local2", LOG_LOCAL2},
        Facility{"local3", LOG_LOCAL3}, Facility{"local4", LOG_LOCAL4},     Facility{"local5", LOG_LOCAL5},
        Facility{"local6", LOG_LOCAL6}, Facility{"local7", LOG_LOCAL7},     Facility{"lpr", LOG_LPR},
        Facility{"mail", LOG_MAIL},     Facility{"news", LOG_NEWS},         Facility{"security", LOG_AUTH},
        Facility{"syslog", LOG_SYSLOG}, Facility{"user", LOG_USER},         Facility{"uucp", LOG_UUCP}};
    const auto* found = std::ranges::find(facilities, name, &Facility::name);
    return found == facilities.end() ? LOG_MAIL : found->code;
}

std::string short_hostname()
{
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0)
        return "localhost";
    std::string_view text(name.data());
    return std::string(text.substr(0, text.find('.')));
}

std::string_view prefix_of(Severity severity)
{
    switch (severity) {
    case Severity::Warning: return "warning: ";
    case Severity::Error: return "error: ";
    case Severity::Fatal: return "fatal: ";
    case Severity::Panic: return "panic: ";
    case Severity::Debug:
    case Severity::Info: break;
    }
    return "";
}

int syslog_level(Severity severity)
{
    switch (severity) {
    case Severity::Warning: return LOG_WARNING;
    case Severity::Error: return LOG_ERR;
    case Severity::Fatal:
    case Severity::Panic: return LOG_CRIT;
    case Severity::Debug:
    case Severity::Info: break;
    }
    return LOG_INFO;
}

bool is_plain_ascii(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// RFC 3164 4.1.2: the day padded with a space.
void set_stamp(State& s, std::time_t now)
{
    static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm local{};
    ::localtime_r(&now, &local);
    s.second = now;
    s.stamp = fmt::format("{} {:>2} {:02}:{:02}:{:02} ", months.at(static_cast<std::size_t>(local.tm_mon)),
                          local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
    if (!s.options.maillog_file.empty())
        s.stamp += s.options.hostname + " ";
}

void write_batch(State& s)
{
    if (s.batch.empty() || !s.sink)
        return;
    auto now = std::chrono::steady_clock::now();
    if (now < s.retry_at && s.batch.size() < keep_limit)
        return;
    std::size_t written = s.sink->write(s.batch, s.records);
    if (written == s.batch.size()) {
        s.batch.clear();
        s.records.clear();
        return;
    }
    s.retry_at = now + retry_interval;
    if (s.batch.size() - written > keep_limit)  // nobody reads: the oldest lines go
        written = s.records[s.records.size() / 2].end;
    s.batch.erase(0, written);
    std::erase_if(s.records, [&](const Record& record) { return record.end <= written; });
    for (Record& record : s.records)
        record.end -= written;
}

void append(State& s, std::string_view tag, std::string_view program, Severity severity, std::string_view text)
{
    if (text.size() > line_limit)
        text = text.substr(0, line_limit);
    std::string cleaned;
    if (!is_plain_ascii(text)) {
        cleaned = printable(text);
        text = cleaned;
    }
    std::string_view prefix = prefix_of(severity);
    if (s.options.to_stderr) {
        std::string_view name = program.empty() ? tag : program;
        std::string line = fmt::format("{}: {}{}\n", name, prefix, text);
        static_cast<void>(write_fully(STDERR_FILENO, line));
    }
    if (!s.options.to_log || !s.sink)
        return;
    std::time_t now = std::time(nullptr);
    if (now != s.second)
        set_stamp(s, now);
    s.batch += s.stamp;
    s.batch += tag;
    if (!program.empty())
        s.batch.append("/").append(program);
    s.batch.append("[").append(s.process_id).append("]: ").append(prefix).append(text).append("\n");
    s.records.push_back({s.batch.size(), s.facility | syslog_level(severity)});
    if (!s.batching || s.batch.size() > batch_limit)
        write_batch(s);
}

// On the loop's thread: what is left wakes the loop, and so this function, when it is to be offered again.
void flush_in_loop()
{
    static auto* retry = new net::Timer([] {});
    flush();
    State& s = state();
    std::scoped_lock lock(s.mutex);
    if (!s.batch.empty() && !retry->running())
        retry->start(net::Clock::now() + retry_interval);
}

void log_panic(std::string_view text)
{
    State& s = state();
    std::unique_lock lock(s.mutex, std::try_to_lock);
    if (!lock)
        return;  // the bug is in here; stderr has the text
    s.options.to_stderr = false;
    append(s, s.options.tag, s.options.program, Severity::Panic, text);
    s.retry_at = {};
    write_batch(s);
}

}  // namespace

void init(Options options)
{
    ::tzset();  // localtime_r(3) must not look for the time zone in a jail
    if (options.shared_tag.empty())
        options.shared_tag = options.tag;
    if (options.hostname.empty())
        options.hostname = short_hostname();
    State& s = state();
    std::scoped_lock lock(s.mutex);
    write_batch(s);
    s.facility = facility_of(options.facility);
    auto slow_reader = options.wait_for_reader ? SlowReader::Wait : SlowReader::Retry;
    s.sink = options.maillog_file.empty()
                 ? make_syslog_sink(slow_reader)
                 : make_file_sink(options.maillog_file, options.file_mode, options.postlog_socket, slow_reader);
    s.options = std::move(options);
    s.second = 0;
    set_panic_hook(log_panic);
}

void batch_in_loop()
{
    State& s = state();
    std::scoped_lock lock(s.mutex);
    s.batching = true;
    if (!std::exchange(s.hooked, true))
        net::Loop::current().before_wait(flush_in_loop);
}

void open_before_jail()
{
    State& s = state();
    std::scoped_lock lock(s.mutex);
    if (s.sink)
        s.sink->open();
}

void after_fork()
{
    State& s = state();
    s.batch.clear();
    s.records.clear();
    s.batching = false;
    s.process_id = std::to_string(::getpid());
}

void flush()
{
    State& s = state();
    std::scoped_lock lock(s.mutex);
    write_batch(s);
}

bool has_unwritten()
{
    State& s = state();
    std::scoped_lock lock(s.mutex);
    return !s.batch.empty();
}

const Options& options() { return state().options; }

bool verbose() { return state().options.verbosity > 0; }

void write(Severity severity, std::string_view text)
{
    State& s = state();
    std::scoped_lock lock(s.mutex);
    if (s.sink)
        append(s, s.options.tag, s.options.program, severity, text);
    else
        append(s, s.options.tag, s.options.program.empty() ? program_invocation_short_name : s.options.program,
               severity, text);
}

void line(std::string_view program, std::string_view text) { line(program, Severity::Info, text); }

void line(std::string_view program, Severity severity, std::string_view text)
{
    State& s = state();
    std::scoped_lock lock(s.mutex);
    bool own = program == s.options.program;
    append(s, own || s.options.shared_tag.empty() ? s.options.tag : s.options.shared_tag, program, severity, text);
}

void detail::vwrite(Severity severity, fmt::string_view format, fmt::format_args arguments)
{
    fmt::memory_buffer text;
    fmt::vformat_to(std::back_inserter(text), format, arguments);
    write(severity, {text.data(), text.size()});
}

void detail::vfatal(fmt::string_view format, fmt::format_args arguments)
{
    vwrite(Severity::Fatal, format, arguments);
    flush();
    std::this_thread::sleep_for(std::chrono::seconds(1));
    std::_Exit(EXIT_FAILURE);
}

}  // namespace posthaste::log
