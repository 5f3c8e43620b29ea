// header_scanner.cc — see header_scanner.h.
#include "mime/header_scanner.h"

#include <algorithm>

namespace posthaste::mime {

std::size_t header_name_length(std::string_view line)
{
    std::size_t name = 0;
    while (name < line.size() && line[name] > ' ' && line[name] < 0x7f && line[name] != ':')
        ++name;
    std::size_t colon = name;
    while (colon < line.size() && (line[colon] == ' ' || line[colon] == '\t'))  // RFC 5322 4.5: obsolete, but seen
        ++colon;
    return colon < line.size() && line[colon] == ':' ? name : 0;
}

bool is_mailbox_separator(std::string_view line)
{
    line.remove_prefix(std::min(line.find_first_not_of('>'), line.size()));
    return line.starts_with("From ") && header_name_length(line) == 0;
}

std::string_view Header::value() const
{
    std::size_t colon = text.find(':', name.size());
    return colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
}

void HeaderScanner::append(std::string_view text)
{
    std::size_t room = limit_ > open_.size() ? limit_ - open_.size() : 0;
    truncated_ = truncated_ || text.size() > room;
    open_ += text.substr(0, room);
}

std::optional<Header> HeaderScanner::complete()
{
    if (name_length_ == 0)
        return std::nullopt;
    completed_.swap(open_);
    Header header{
        .name = std::string_view(completed_).substr(0, name_length_), .text = completed_, .truncated = truncated_};
    open_.clear();
    name_length_ = 0;
    truncated_ = false;
    return header;
}

void HeaderScanner::restart()
{
    open_.clear();
    name_length_ = 0;
    truncated_ = false;
    in_headers_ = true;
}

ScanStep HeaderScanner::feed(std::string_view line)
{
    if (!in_headers_)
        return {.place = LinePlace::Body};
    const bool folded = !line.empty() && (line.front() == ' ' || line.front() == '\t');
    if (folded && name_length_ != 0) {
        if (open_.size() + 1 < limit_)
            append("\n");
        append(line);
        return {.place = LinePlace::Header};
    }
    ScanStep step{.place = LinePlace::Header, .completed = complete()};
    if (std::size_t length = header_name_length(line); length != 0 && length < limit_) {
        append(line);
        name_length_ = length;
        return step;
    }
    in_headers_ = false;
    step.place = line.empty() ? LinePlace::Separator : LinePlace::Body;
    step.body_starts = true;
    return step;
}

std::optional<Header> HeaderScanner::finish()
{
    if (!in_headers_)
        return std::nullopt;
    in_headers_ = false;
    return complete();
}

}  // namespace posthaste::mime
