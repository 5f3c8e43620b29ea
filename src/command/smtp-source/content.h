// What smtp-source sends: the header of each message, and a body that all messages share.
//
// The body is made once, in the form in which it goes over the wire: CRLF line ends, dots doubled, with the end of data
// behind it. Only the header differs from message to message.
#pragma once

#include "base/result.h"
#include "command/smtp-source/options.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::command::smtp_source {

class Content {
public:
    // Reads the file of -F. options outlives this object.
    static Result<Content> make(const Options& options);

    // The id of message `number` of this run, as it stands in the ledger.
    [[nodiscard]] std::string id(std::int64_t number) const;
    // Appends all that comes before the body; `number` is the message's in this run.
    void append_header(std::string& out, std::int64_t number, std::int64_t seconds_since_epoch) const;
    [[nodiscard]] std::string_view body() const { return body_; }

private:
    explicit Content(const Options& options);
    const Options& options_;
    std::string run_;    // differs from run to run, without blanks
    std::string start_;  // of each header: From and To
    std::string body_;
};

// `length` bytes of text (-l) in lines of 80 bytes with their CRLF, each with the last digit of its number; the last
// line has none, and its CRLF is not counted, as in Postfix.
std::string text_of_length(std::size_t length);
// A file's lines as they go over the wire: CRLF line ends, dots doubled (-F).
std::string wire_form(std::string_view lines);

}  // namespace posthaste::command::smtp_source
