// reply.cc — see reply.h.
#include "command/smtp-source/reply.h"

#include "base/text.h"

namespace posthaste::command::smtp_source {

std::optional<ReplyView> scan_reply(std::string_view buffered)
{
    std::size_t begin = 0;
    for (;;) {
        std::size_t end = buffered.find('\n', begin);
        if (end == std::string_view::npos)
            return std::nullopt;
        std::string_view line = buffered.substr(begin, end - begin);
        begin = end + 1;
        if (line.size() > 3 && line[3] == '-')
            continue;
        return ReplyView{parse_number<int>(line.substr(0, 3)).value_or(0), buffered.substr(0, begin), begin};
    }
}

std::string last_line(std::string_view text)
{
    text = trim(text);
    return printable(text.substr(text.rfind('\n') + 1));
}

bool announces(std::string_view text, std::string_view keyword)
{
    for (std::string_view line : split(text, "\r\n"))
        if (line.size() > 4 && equal_ignoring_case(line.substr(4, line.find(' ', 4) - 4), keyword))
            return true;
    return false;
}

}  // namespace posthaste::command::smtp_source
