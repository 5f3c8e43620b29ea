// What was said in an SMTP session, for the postmaster (postconf(5) notify_classes), and what kind of trouble it was.
//
// Kept only by sessions whose administrator asked for it; bounded: lines beyond `limit` bytes are left out.
#pragma once

#include "smtp/reply.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::smtp {

// The classes of notify_classes that a session can meet.
enum class ErrorClass : std::uint8_t {
    Protocol,  // a command or reply that breaks RFC 5321
    Policy,    // an access restriction or limit said no
    Data,      // a table could not be read
    Resource,  // the queue could not take the message
};

// "protocol", "policy", "data", "resource".
std::string_view name(ErrorClass error_class);

// A set of classes.
class ErrorClasses {
public:
    // The words of notify_classes; those that are no class of a session do not count.
    static ErrorClasses parse(std::string_view notify_classes);

    void add(ErrorClass error_class) { bits_ |= bit(error_class); }
    [[nodiscard]] bool has(ErrorClass error_class) const { return (bits_ & bit(error_class)) != 0; }
    [[nodiscard]] bool empty() const { return bits_ == 0; }

private:
    static std::uint8_t bit(ErrorClass error_class)
    {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(error_class));
    }
    std::uint8_t bits_ = 0;
};

// What an SMTP server's reply of 4xx or 5xx is about.
ErrorClass error_class_of(const Reply& reply);

// Life time: one session.
class Transcript {
public:
    static constexpr std::size_t limit = std::size_t{64} << 10;

    // One or more lines, with or without CRLF at their ends.
    void received(std::string_view lines) { add(" In:  ", lines); }
    void sent(std::string_view lines) { add(" Out: ", lines); }
    [[nodiscard]] const std::string& text() const { return text_; }  // lines end with LF
    [[nodiscard]] std::size_t lines() const { return lines_; }
    void clear() { *this = {}; }

private:
    void add(std::string_view direction, std::string_view lines);
    std::string text_;
    std::size_t lines_ = 0;
};

}  // namespace posthaste::smtp
