// seven_bit.h — a message without bytes above 127 in its bodies, for servers that do not offer 8BITMIME (RFC 6152 3).
//
// A body that is said to be 8bit or binary becomes quoted-printable (RFC 2045 6.7), and its header says so; a multipart
// or attached message around it becomes 7bit. What is encoded already, or is not said to have such bytes, stays as it
// is: signatures over it hold. Headers are not touched otherwise. A message that says nothing about its body has one
// that the sender declared when he handed it in: it gets the headers that it lacks (RFC 1428).
//
// Memory: the header that is being read; limits are those of the structure scanner.
#pragma once

#include "mime/structure_scanner.h"

#include <string>
#include <string_view>

namespace posthaste::mime {

// One message; fed with pieces of whole lines that end in CRLF. Not shared between threads.
class SevenBitConverter {
public:
    explicit SevenBitConverter(const StructureLimits& limits) : scanner_(limits, Depth::Everything) {}

    // What becomes of the piece.
    std::string convert(std::string_view crlf_lines);
    // What was still held back at the end.
    std::string finish();

private:
    void take(std::string_view line, std::string& out);
    void take_header_line(std::string_view line, std::string& out);
    void end_header(Entity entity, std::string& out);

    StructureScanner scanner_;
    std::string label_;      // the Content-Transfer-Encoding: lines of this header
    bool in_label_ = false;  // a folded line belongs to it
    bool of_message_ = true;
    bool has_version_ = false;  // the message's header says what MIME-Version and Content-Type say
    bool has_type_ = false;
    bool encodes_ = false;  // the body that we are in
};

// The line in quoted-printable, CRLF included, in lines of 76 characters at most.
void append_quoted_printable(std::string& out, std::string_view line);

}  // namespace posthaste::mime
