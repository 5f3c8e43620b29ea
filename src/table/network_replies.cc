// network_replies.cc — see network_replies.h.
#include "table/network_replies.h"

#include "base/text.h"
#include "table/server_client.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace posthaste::table {

namespace {

constexpr std::string_view crlf = "\r\n";

// A line without its end.
std::string_view without_line_end(std::string_view line)
{
    if (line.ends_with('\n'))
        line.remove_suffix(1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

// A header line, `length` bytes and what must follow them: their size together, as soon as all is there.
ReplySize size_with_data(std::string_view received, std::size_t header, std::size_t length, std::string_view end)
{
    const std::size_t whole = header + length + end.size();
    if (received.size() < whole)
        return std::nullopt;
    if (received.substr(header + length, end.size()) != end)
        return fail(ErrorKind::Invalid, "the data is not as long as announced");
    return whole;
}

// The length in "VALUE key flags length".
std::optional<std::size_t> memcache_length(std::string_view line)
{
    const auto words = split(line, " ");
    return words.size() < 4 || words.front() != "VALUE" ? std::nullopt : parse_number<std::size_t>(words[3]);
}

}  // namespace

ReplySize size_of_netstring(std::string_view received, std::size_t limit)
{
    constexpr std::size_t max_digits = 10;
    const std::size_t digits = received.substr(0, max_digits + 1).find_first_not_of("0123456789");
    if (digits == std::string_view::npos && received.size() <= max_digits)
        return std::nullopt;
    if (digits == 0 || digits == std::string_view::npos || received[digits] != ':')
        return fail(ErrorKind::Invalid, "input format error");
    const auto length = parse_number<std::size_t>(received.substr(0, digits));
    if (!length || *length > limit)
        return fail(ErrorKind::Limit, "input exceeds size limit");
    auto size = size_with_data(received, digits + 1, *length, ",");
    return size ? size : fail(ErrorKind::Invalid, "input format error");
}

Answer socketmap_answer(std::string_view netstring)
{
    const std::size_t colon = netstring.find(':');
    if (colon == std::string_view::npos || !netstring.ends_with(','))
        return fail(ErrorKind::Invalid, "input format error");
    std::string_view content = netstring.substr(colon + 1);
    content.remove_suffix(1);
    const std::size_t space = content.find(' ');
    const std::string_view word = content.substr(0, space);
    const std::string_view rest = space == std::string_view::npos ? std::string_view() : content.substr(space + 1);
    if (word == "OK" && space != std::string_view::npos)
        return found(rest);
    if (word == "NOTFOUND" || word == "OK")
        return not_found();
    constexpr std::array failures = {std::pair{std::string_view("TEMP"), std::string_view("temporary")},
                                     std::pair{std::string_view("TIMEOUT"), std::string_view("timeout")},
                                     std::pair{std::string_view("PERM"), std::string_view("permanent")}};
    const auto* failure = std::ranges::find(failures, word, [](const auto& pair) { return pair.first; });
    const std::string_view kind = failure == failures.end() ? "unknown" : failure->second;
    return fail(ErrorKind::Temporary,
                fmt::format("socketmap server {} error{}{}", kind, rest.empty() ? "" : ": ", printable(rest)));
}

std::string tcp_encode(std::string_view text)
{
    std::string encoded;
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= ' ' || byte >= 0x7f || c == '%')
            encoded += fmt::format("%{:02X}", byte);
        else
            encoded += c;
    }
    return encoded;
}

std::optional<std::string> tcp_decode(std::string_view text)
{
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        const auto byte = parse_number<unsigned char>(text.substr(i + 1, 2), 16);
        if (!byte || text.size() - i < 3)
            return std::nullopt;
        decoded += static_cast<char>(*byte);
        i += 2;
    }
    return decoded;
}

Answer tcp_answer(std::string_view line)
{
    if (line.ends_with('\n'))
        line.remove_suffix(1);
    auto malformed = [&] { return fail(ErrorKind::Invalid, fmt::format("malformed reply: {}", printable(line))); };
    if (line.size() < 4 || !std::ranges::all_of(line.substr(0, 3), is_ascii_digit) || !is_ascii_space(line[3]))
        return malformed();
    const auto text = tcp_decode(line.substr(4));
    if (!text)
        return malformed();
    switch (line.front()) {
    case '2': return found(*text);
    case '4': return fail(ErrorKind::Temporary, printable(*text));
    case '5': return not_found();
    default: return fail(ErrorKind::Invalid, fmt::format("bad status code: {}", printable(line)));
    }
}

ReplySize size_of_memcache_reply(std::string_view received, const MemcacheLimits& limits)
{
    TRY(std::optional<std::size_t> header, complete_line(received, limits.line));
    if (!header)
        return std::nullopt;
    const std::string_view line = without_line_end(received.substr(0, *header));
    if (!line.starts_with("VALUE "))
        return *header;
    const auto length = memcache_length(line);
    if (!length)
        return fail(ErrorKind::Invalid, fmt::format("unexpected memcache server reply: {}", printable(line)));
    if (*length > limits.data)
        return fail(ErrorKind::Limit, fmt::format("memcache server reply data length {} exceeds limit", *length));
    return size_with_data(received, *header, *length, "\r\nEND\r\n");
}

Answer memcache_answer(std::string_view reply)
{
    const std::size_t header = std::min(reply.find('\n'), reply.size() - 1) + 1;
    const std::string_view line = without_line_end(reply.substr(0, header));
    if (line == "END")
        return not_found();
    const auto length = memcache_length(line);
    if (!length || reply.size() - header < *length)
        return fail(ErrorKind::Invalid, fmt::format("unexpected memcache server reply: {}", printable(line)));
    return found(reply.substr(header, *length));
}

ReplySize size_of_redis_reply(std::string_view received)
{
    constexpr std::size_t line_limit = 4096;
    TRY(std::optional<std::size_t> header, complete_line(received, line_limit));
    if (!header || !received.starts_with('$') || received.starts_with("$-"))
        return header;
    const auto length = parse_number<std::size_t>(without_line_end(received.substr(1, *header - 1)));
    if (!length)
        return fail(ErrorKind::Invalid,
                    "unexpected reply: " + printable(without_line_end(received.substr(0, *header))));
    if (*length > redis_data_limit)
        return fail(ErrorKind::Limit, fmt::format("a value of {} bytes is too long", *length));
    return size_with_data(received, *header, *length, crlf);
}

Answer redis_answer(std::string_view reply)
{
    const std::size_t header = std::min(reply.find('\n'), reply.size() - 1) + 1;
    const std::string_view line = without_line_end(reply.substr(0, header));
    if (line == "$-1")
        return not_found();
    if (!line.starts_with('$') || reply.size() < header + crlf.size())
        return fail(ErrorKind::Temporary, "unexpected reply: " + printable(line));
    std::string_view data = reply.substr(header);
    data.remove_suffix(crlf.size());
    return found(data);
}

}  // namespace posthaste::table
