// transcript.cc — see transcript.h.
#include "smtp/transcript.h"

#include "base/text.h"

#include <array>

namespace posthaste::smtp {

namespace {
constexpr std::array classes{ErrorClass::Protocol, ErrorClass::Policy, ErrorClass::Data, ErrorClass::Resource};
}

std::string_view name(ErrorClass error_class)
{
    constexpr std::array<std::string_view, classes.size()> names{"protocol", "policy", "data", "resource"};
    return names[static_cast<std::size_t>(error_class)];
}

ErrorClasses ErrorClasses::parse(std::string_view notify_classes)
{
    ErrorClasses set;
    for (std::string_view word : split(notify_classes, ", \t\r\n"))
        for (ErrorClass one : classes)
            if (equal_ignoring_case(word, name(one)))
                set.add(one);
    return set;
}

ErrorClass error_class_of(const Reply& reply)
{
    std::string_view code = std::string_view(reply.text).substr(0, reply.text.find(' '));
    std::string_view detail = code.size() == 5 && code[1] == '.' ? code.substr(2) : std::string_view();
    if (detail == "3.1")  // RFC 3463: mail system full
        return ErrorClass::Resource;
    if (reply.code == 451 && reply.text.contains("queue file"))
        return ErrorClass::Resource;
    if (reply.code == 451 && (detail == "3.0" || detail == "3.5"))
        return ErrorClass::Data;
    bool syntax = reply.code >= 500 && reply.code <= 504;
    if (detail.starts_with("5.") || syntax || (reply.code == 421 && reply.text.ends_with("too many errors")))
        return ErrorClass::Protocol;
    return ErrorClass::Policy;
}

void Transcript::add(std::string_view direction, std::string_view lines)
{
    while (!lines.empty()) {
        std::size_t end = lines.find('\n');
        std::string_view line = lines.substr(0, end);
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (text_.size() + direction.size() + line.size() >= limit)
            continue;
        text_.append(direction).append(printable(line)) += '\n';
        ++lines_;
    }
}

}  // namespace posthaste::smtp
