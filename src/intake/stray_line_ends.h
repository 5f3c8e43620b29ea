// A CR without LF, or a LF without CR, inside of content: another mail system could take it for the end of a line,
// and so see commands where we see text. postconf(5) cleanup_replace_stray_cr_lf makes a space of each.
#pragma once

#include <string>
#include <string_view>

namespace posthaste::intake {

// `lines` begins at the start of a line and ends with CRLF.
bool has_stray_line_end(std::string_view lines);
std::string replace_stray_line_ends(std::string_view lines);

}  // namespace posthaste::intake
