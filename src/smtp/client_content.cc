// client_content.cc — see client_content.h.
#include "smtp/client_content.h"

#include <algorithm>

namespace posthaste::smtp {

bool ContentEncoder::next(std::string& out, std::size_t piece)
{
    if (rest_.empty())
        return false;
    std::size_t target = out.size() + piece;
    while (!rest_.empty() && out.size() < target) {
        std::size_t end = rest_.find('\n');
        std::size_t line = end == std::string_view::npos ? rest_.size() : end + 1;
        std::size_t text = line;  // without the line end
        if (end != std::string_view::npos)
            text = end > 0 && rest_[end - 1] == '\r' ? end - 1 : end;
        if (in_line_ == 0 && rest_.front() == '.')
            out += '.';
        std::size_t room = limit_ > 0 ? limit_ - std::min(in_line_, limit_) : text;
        if (text <= room) {
            out.append(rest_.substr(0, line));
            rest_.remove_prefix(line);
            in_line_ = 0;
            continue;
        }
        out.append(rest_.substr(0, room)).append("\r\n ");
        rest_.remove_prefix(room);
        in_line_ = 1;
    }
    return true;
}

}  // namespace posthaste::smtp
