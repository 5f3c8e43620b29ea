// Stray line ends, see stray_line_ends.h. The test runs over every byte of every message: two memchr a line.
#include "intake/stray_line_ends.h"

namespace posthaste::intake {

bool has_stray_line_end(std::string_view lines)
{
    while (!lines.empty()) {
        std::size_t line_feed = lines.find('\n');
        std::string_view text = lines.substr(0, line_feed);
        std::size_t carriage_return = text.find('\r');
        if (carriage_return != std::string_view::npos && carriage_return + 1 != text.size())
            return true;
        if (line_feed == std::string_view::npos)
            return carriage_return != std::string_view::npos;
        if (carriage_return == std::string_view::npos)
            return true;
        lines.remove_prefix(line_feed + 1);
    }
    return false;
}

std::string replace_stray_line_ends(std::string_view lines)
{
    std::string out(lines);
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (out[i] == '\r' && i + 1 < out.size() && out[i + 1] == '\n')
            ++i;
        else if (out[i] == '\r' || out[i] == '\n')
            out[i] = ' ';
    }
    return out;
}

}  // namespace posthaste::intake
