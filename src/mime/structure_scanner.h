// structure_scanner.h — what each line of a message is: header of the message, of a part, of an attached message, or
// text. RFC 2045, 2046.
//
// Fed with the lines of a message, without their line ends, while they arrive; nothing is read twice and nothing is
// decoded. The scanner sees what a filter must not miss rather than what a strict reader would: a boundary counts
// wherever a line begins with it, and a part that is said to be encoded is looked into all the same. A mailbox's
// separator line before the first header (but Received:) belongs to the header and is no part of it.
//
// Limits: one header is kept to header_size bytes, a boundary to boundary_length bytes, and parts within parts
// (multipart/* and attached messages) to `nesting`; what lies deeper is text. What was found to be wrong is told by
// faults(), and it is the caller's business.
#pragma once

#include "mime/content_type.h"
#include "mime/header_scanner.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::mime {

// postconf(5) header_size_limit, mime_boundary_length_limit, mime_nesting_limit.
struct StructureLimits {
    std::size_t header_size = 102400;
    std::size_t boundary_length = 2048;
    std::size_t nesting = 100;
};

// As header_checks(5) divides headers among its tables.
enum class HeaderClass : std::uint8_t {
    Primary,  // of the message itself, but for those about MIME
    Mime,     // about MIME, wherever they stand; all headers of a part of a multipart
    Nested,   // of an attached message, but for those about MIME
};

enum class Fault : std::uint8_t {
    Nesting,           // parts within parts beyond the limit
    EightBitHeader,    // a byte above 127 in a header
    EightBitBody,      // a byte above 127 in text that is said to have none
    EncodedStructure,  // base64 or quoted-printable on a multipart or a message (RFC 2045 6.4)
};

struct FoundFault {
    Fault fault;
    std::string text;  // the header, line or word that has it; cut off where it is long
};

enum class Depth : std::uint8_t {
    Everything,
    PrimaryHeader,  // what follows the message's header is text, and nothing is a fault (disable_mime_input_processing)
};

struct StructureHeader {
    Header header;
    HeaderClass kind = HeaderClass::Primary;
    bool of_message = true;  // it stands in the header of the message itself
    // Name, colon and value, blanks before the colon left out: how a table of patterns wants it.
    [[nodiscard]] std::string text() const;
};

// What a header says of what follows it.
struct Entity {
    MediaType type = MediaType::Other;
    TransferEncoding encoding = TransferEncoding::SevenBit;
};

struct StructureStep {
    LinePlace place = LinePlace::Body;
    // The header that ended before this line. Views are valid until the next call.
    std::optional<StructureHeader> completed;
    std::optional<Entity> entity;       // a header ends before this line, and something follows it
    bool segment_begins = false;        // a header, or what belongs to a part, ends before this line
    bool separator_is_missing = false;  // this line ended the message's header, without an empty line
};

// One message. Not shared between threads.
class StructureScanner {
public:
    StructureScanner(const StructureLimits& limits, Depth depth)
        : limits_(limits), depth_(depth), headers_(limits.header_size)
    {
    }

    StructureStep feed(std::string_view line);
    // What follows is no continuation of the header before.
    std::optional<StructureHeader> separate();
    // The end of the message: the header that was still open, if no body follows it.
    std::optional<StructureHeader> finish() { return separate(); }
    // In the order in which they were found, each kind once.
    [[nodiscard]] const std::vector<FoundFault>& faults() const { return faults_; }

private:
    enum class Section : std::uint8_t { PrimaryHeader, PartHeader, NestedHeader, Body };
    struct Boundary {
        std::string text;
        MediaType parts;         // what its parts are by default
        std::size_t nested = 0;  // attached messages around it
    };

    std::optional<StructureHeader> note(std::optional<Header> completed);
    void add(Fault fault, std::string_view text);
    void note_type(std::string_view value);
    void end_header(LinePlace place, std::string_view line);
    void take_text(std::string_view line);
    void begin_section(Section section, MediaType default_type);
    [[nodiscard]] bool take_boundary(std::string_view line);
    [[nodiscard]] bool take_mailbox_separator(std::string_view line, StructureStep& step);
    [[nodiscard]] bool has_room() const { return boundaries_.size() + nested_ < limits_.nesting; }

    StructureLimits limits_;
    Depth depth_;
    HeaderScanner headers_;
    std::vector<Boundary> boundaries_;  // the innermost last
    std::size_t nested_ = 0;            // attached messages that we are in
    std::vector<FoundFault> faults_;
    Section section_ = Section::PrimaryHeader;
    bool only_received_ = true;          // no header but Received: so far
    MediaType type_ = MediaType::Other;  // of the entity whose header or text this is
    TransferEncoding encoding_ = TransferEncoding::SevenBit;
};

// Content-*: and Mime-Version: as far as they are known (RFC 2045, 2183, 3282, ...).
bool is_mime_header(std::string_view name);

}  // namespace posthaste::mime
