// client_reply.cc — see client_reply.h.
#include "smtp/client_reply.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace posthaste::smtp {

namespace {

constexpr std::size_t longest_line = 2048;
constexpr std::size_t most_lines = 100;

// "5.1.1" at the start of a text, with the class of the reply code (RFC 2034 4).
std::string_view enhanced_code_of(std::string_view text, int code)
{
    std::size_t end = text.find(' ');
    std::string_view word = text.substr(0, end);
    if (word.size() < 5 || word[0] - '0' != code / 100 || (word[0] != '2' && word[0] != '4' && word[0] != '5'))
        return {};
    std::size_t dots = 0, digits = 0;
    for (char c : word) {
        if (c == '.') {
            if (digits == 0)
                return {};
            ++dots;
            digits = 0;
        } else if (!is_ascii_digit(c) || ++digits > 3) {
            return {};
        }
    }
    return dots == 2 && digits > 0 ? word : std::string_view();
}

bool is_reply_line(std::string_view line)
{
    return line.size() >= 3 && std::all_of(line.begin(), line.begin() + 3, is_ascii_digit) && line[0] >= '2' &&
           line[0] <= '5' && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
}

constexpr std::array<std::pair<std::string_view, Extension>, 15> keywords{{
    {"PIPELINING", Extension::Pipelining},
    {"SIZE", Extension::Size},
    {"VRFY", Extension::Vrfy},
    {"ETRN", Extension::Etrn},
    {"STARTTLS", Extension::Starttls},
    {"AUTH", Extension::Auth},
    {"XVERP", Extension::Verp},
    {"XCLIENT", Extension::Xclient},
    {"XFORWARD", Extension::Xforward},
    {"ENHANCEDSTATUSCODES", Extension::EnhancedStatusCodes},
    {"8BITMIME", Extension::EightBitMime},
    {"DSN", Extension::Dsn},
    {"SMTPUTF8", Extension::Smtputf8},
    {"CHUNKING", Extension::Chunking},
    {"REQUIRETLS", Extension::RequireTls},
}};

void add_keyword(PeerExtensions& extensions, std::string_view line, ExtensionSet suppressed)
{
    std::vector<std::string_view> words = split(line, " \t=");
    if (words.empty())
        return;
    for (auto [keyword, extension] : keywords) {
        if (!equal_ignoring_case(words[0], keyword) || suppressed.has(extension))
            continue;
        extensions.offered.add(extension);
        if (extension == Extension::Size && words.size() > 1)
            extensions.size_limit = parse_number<std::uint64_t>(words[1]).value_or(0);
        if (extension == Extension::Xforward)
            extensions.xforward = to_upper(line.substr(keyword.size()));
    }
}

}  // namespace

Result<std::optional<PeerReply>> take_reply(std::string_view buffer, std::size_t& used)
{
    used = 0;
    PeerReply reply;
    std::size_t begin = 0;
    for (std::size_t lines = 0;; ++lines) {
        std::size_t end = buffer.find('\n', begin);
        if (end == std::string_view::npos) {
            if (buffer.size() > longest_reply)
                return fail(ErrorKind::Limit, "reply is too long");
            return std::nullopt;
        }
        if (lines == most_lines || end > longest_reply)
            return fail(ErrorKind::Limit, "reply is too long");
        std::string_view line = buffer.substr(begin, end - begin);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        line = line.substr(0, longest_line);
        if (!is_reply_line(line))
            return fail(ErrorKind::Invalid, printable(line.substr(0, 200)));
        begin = end + 1;
        reply.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        if (!reply.text.empty())
            reply.text += ' ';
        reply.text += printable(line);
        std::string_view rest = line.size() > 4 ? line.substr(4) : std::string_view();
        if (lines == 0)
            reply.first_line = rest;
        reply.enhanced_code = enhanced_code_of(rest, reply.code);
        if (line.size() == 3 || line[3] == ' ') {
            used = begin;
            return reply;
        }
    }
}

PeerExtensions parse_extensions(std::string_view lines, ExtensionSet suppressed)
{
    PeerExtensions extensions;
    bool first = true;
    for (std::string_view line : split(lines, "\r\n")) {
        if (!std::exchange(first, false) && line.size() > 4)
            add_keyword(extensions, line.substr(4), suppressed);
    }
    return extensions;
}

}  // namespace posthaste::smtp
