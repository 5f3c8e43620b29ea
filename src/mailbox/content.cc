// content.cc — see content.h.
#include "mailbox/content.h"

#include "address/fold.h"
#include "address/local_part.h"
#include "base/fd.h"
#include "base/text.h"

#include <ctime>
#include <fmt/format.h>

namespace posthaste::mailbox {

namespace {

constexpr std::size_t piece_size = 64 << 10;

// Appends the next lines of the content to out until it holds a piece.
void convert_some(std::string_view& content, std::string& out, const ContentStyle& style)
{
    while (!content.empty() && out.size() < piece_size) {
        std::size_t end = content.find('\n');
        std::string_view line = content.substr(0, end);
        content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (style.quote_from && line.starts_with("From "))
            out += '>';
        if (style.dot_stuff && line.starts_with('.'))
            out += '.';
        out.append(line).append(style.line_end);
    }
}

}  // namespace

Result<void> write_content(int fd, std::string_view headers, std::string_view content, const ContentStyle& style)
{
    std::string out(headers);
    do {
        convert_some(content, out, style);
        TRY(write_fully(fd, out));
        out.clear();
    } while (!content.empty());
    return {};
}

std::string local_form(std::string_view content, const ContentStyle& style)
{
    std::string out;
    while (!content.empty()) {
        std::string piece;
        convert_some(content, piece, style);
        out += piece;
    }
    return out;
}

std::string from_line(std::string_view sender, std::string_view line_end)
{
    const time_t now = std::time(nullptr);
    tm local{};
    ::localtime_r(&now, &local);
    char date[40];
    std::size_t length = std::strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &local);
    return fmt::format("From {}  {}{}", sender.empty() ? "MAILER-DAEMON" : address::quote(sender),
                       std::string_view(date, length), line_end);
}

std::string delivery_headers(const DeliveryHeaders& headers, std::string_view line_end)
{
    std::string text;
    if (headers.return_path)
        text += fmt::format("Return-Path: <{}>{}", address::quote(*headers.return_path), line_end);
    if (headers.original_to)
        text += fmt::format("X-Original-To: {}{}", address::quote(*headers.original_to), line_end);
    if (headers.delivered_to)
        text += fmt::format("Delivered-To: {}{}", address::quote(*headers.delivered_to), line_end);
    return text;
}

std::set<std::string> delivered_to_addresses(std::string_view content)
{
    constexpr std::string_view name = "delivered-to:";
    std::set<std::string> addresses;
    while (!content.empty()) {
        std::size_t end = content.find('\n');
        std::string_view line = trim(content.substr(0, end));
        if (line.empty())
            break;  // the end of the header
        if (starts_with_ignoring_case(line, name))
            addresses.insert(address::fold_case(address::unquote(trim(line.substr(name.size())))));
        content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    }
    return addresses;
}

bool was_delivered_to(std::string_view content, std::string_view address)
{
    return delivered_to_addresses(content).contains(address::fold_case(address));
}

}  // namespace posthaste::mailbox
