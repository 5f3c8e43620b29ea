// command.cc — see command.h.
#include "smtp/command.h"

#include "base/text.h"

#include <algorithm>
#include <array>

namespace posthaste::smtp {

namespace {

constexpr std::array<std::string_view, verb_count> names{
    "HELO", "EHLO", "XCLIENT", "XFORWARD", "STARTTLS", "AUTH", "MAIL", "RCPT",    "DATA",
    "BDAT", "RSET", "NOOP",    "VRFY",     "ETRN",     "QUIT", "HELP", "UNKNOWN",
};

}  // namespace

std::string_view name(Verb verb) { return names[static_cast<std::size_t>(verb)]; }

Command parse_command(std::string_view line)
{
    line = trim(line);
    auto end = std::find_if(line.begin(), line.end(), is_ascii_space);
    Command command;
    command.word = line.substr(0, static_cast<std::size_t>(end - line.begin()));
    command.arguments = trim(line.substr(command.word.size()));
    for (std::size_t i = 0; i + 1 < verb_count; ++i) {
        if (equal_ignoring_case(command.word, names[i])) {
            command.verb = static_cast<Verb>(i);
            break;
        }
    }
    return command;
}

std::string escape_for_log(std::string_view text, std::size_t most)
{
    std::string out;
    for (char c : text.substr(0, most)) {
        auto byte = static_cast<unsigned char>(c);
        switch (c) {
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        case '\\': out += "\\\\"; break;
        default:
            if (byte >= 0x20 && byte < 0x7f) {
                out.push_back(c);
            } else {
                out.push_back('\\');
                out.push_back(static_cast<char>('0' + (byte >> 6)));
                out.push_back(static_cast<char>('0' + ((byte >> 3) & 7)));
                out.push_back(static_cast<char>('0' + (byte & 7)));
            }
        }
    }
    return out;
}

}  // namespace posthaste::smtp
