// line_reader.cc — see line_reader.h.
#include "smtp/line_reader.h"

namespace posthaste::smtp {

LineScan scan_line(std::string_view buffered, std::size_t limit, bool skipping)
{
    LineScan scan;
    std::size_t end = buffered.find('\n');
    if (skipping) {
        scan.consume = end == std::string_view::npos ? buffered.size() : end + 1;
        scan.state = end == std::string_view::npos ? LineScan::State::Incomplete : LineScan::State::Skipped;
        return scan;
    }
    if (end == std::string_view::npos) {
        if (buffered.size() > limit) {
            scan.state = LineScan::State::Cut;
            scan.line = buffered.substr(0, limit);
            scan.consume = buffered.size();
        }
        return scan;
    }
    scan.consume = end + 1;
    scan.line = buffered.substr(0, end);
    if (scan.line.ends_with('\r'))
        scan.line.remove_suffix(1);
    else
        scan.bare_newline = true;
    // The whole of the long line is here already: nothing is left to skip.
    scan.line = scan.line.substr(0, limit);
    scan.state = LineScan::State::Line;
    return scan;
}

}  // namespace posthaste::smtp
