// content.cc — see content.h.
#include "command/smtp-source/content.h"

#include "base/fd.h"
#include "intake/date.h"
#include "testmail/ledger.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <iterator>
#include <random>
#include <unistd.h>

namespace posthaste::command::smtp_source {

namespace {

constexpr std::size_t line_length = 80;
constexpr std::string_view line_end = "\r\n";
constexpr std::string_view end_of_data = ".\r\n";
constexpr std::size_t largest_file = std::size_t{1} << 30;
constexpr std::string_view few_lines =
    "La de da de da 1.\r\nLa de da de da 2.\r\nLa de da de da 3.\r\nLa de da de da 4.\r\n";

}  // namespace

std::string text_of_length(std::size_t length)
{
    std::string text;
    text.reserve(length + line_length);
    for (std::size_t line = 1; length > line_length; ++line, length -= line_length) {
        text.push_back(static_cast<char>('0' + line % 10));
        text.append(line_length - line_end.size() - 1, 'X').append(line_end);
    }
    text.append(length, 'X').append(line_end);
    return text;
}

std::string wire_form(std::string_view lines)
{
    std::string text;
    text.reserve(lines.size() + lines.size() / 16);
    while (!lines.empty()) {
        std::size_t end = std::min(lines.find('\n'), lines.size());
        std::string_view line = lines.substr(0, end);
        if (line.starts_with('.'))
            text.push_back('.');
        text.append(line).append(line_end);
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return text;
}

Content::Content(const Options& options) : options_(options)
{
    run_ = fmt::format("{:x}.{:x}.{:08x}", std::time(nullptr), ::getpid(), std::random_device()());
    start_ = fmt::format("From: <{}>\r\nTo: <{}>\r\n", options.sender.value_or(""), options.recipient);
}

Result<Content> Content::make(const Options& options)
{
    Content content(options);
    if (!options.file.empty()) {
        TRY(std::string lines, read_file(options.file, largest_file));
        content.body_ = wire_form(lines);
    } else {
        content.body_ = options.length > 0 ? text_of_length(options.length) : std::string(few_lines);
    }
    content.body_.append(end_of_data);
    return content;
}

std::string Content::id(std::int64_t number) const { return fmt::format("{}-{}", run_, number); }

void Content::append_header(std::string& out, std::int64_t number, std::int64_t seconds_since_epoch) const
{
    if (!options_.ledger.empty())
        fmt::format_to(std::back_inserter(out), "{}: {}-{}\r\n", testmail::id_header, run_, number);
    if (options_.old_mode || !options_.file.empty())
        return;
    // One thread, one clock: most messages have the date of the one before.
    static std::int64_t second = -1;
    static std::string date;
    if (seconds_since_epoch != second) {
        second = seconds_since_epoch;
        date = intake::mail_date(second);
    }
    out.append(start_);
    fmt::format_to(std::back_inserter(out), "Date: {}\r\nMessage-Id: <{}-{}@{}>\r\n", date, run_, number,
                   options_.hostname);
    if (!options_.subject.empty())
        fmt::format_to(std::back_inserter(out), "Subject: {}\r\n", options_.subject);
    out.append(line_end);
}

}  // namespace posthaste::command::smtp_source
