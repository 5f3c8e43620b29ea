// structure_scanner.cc — see structure_scanner.h.
#include "mime/structure_scanner.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace posthaste::mime {

namespace {

bool has_eight_bit(std::string_view text)
{
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

}  // namespace

bool is_mime_header(std::string_view name)
{
    constexpr std::array<std::string_view, 6> known{"content-type",        "content-transfer-encoding",
                                                    "content-disposition", "content-description",
                                                    "content-id",          "mime-version"};
    return std::ranges::any_of(known, [name](std::string_view other) { return equal_ignoring_case(name, other); });
}

std::string StructureHeader::text() const
{
    const std::size_t colon = header.text.find(':', header.name.size());
    if (colon == std::string_view::npos)  // cut off before it
        return std::string(header.name);
    return std::string(header.name).append(header.text.substr(colon));
}

StructureStep StructureScanner::feed(std::string_view line)
{
    StructureStep step;
    if (section_ == Section::Body) {
        step.segment_begins = take_boundary(line);
        if (!step.segment_begins)
            take_text(line);
        return step;
    }
    if (take_mailbox_separator(line, step))
        return step;
    ScanStep scanned = headers_.feed(line);
    if (scanned.completed)
        step.completed = note(scanned.completed);
    step.separator_is_missing =
        section_ == Section::PrimaryHeader && scanned.body_starts && scanned.place == LinePlace::Body;
    step.place = scanned.place;
    step.segment_begins = scanned.body_starts;
    // What looks like a header is one, even if it looks like a boundary, too.
    const bool boundary = scanned.body_starts && scanned.place == LinePlace::Body && take_boundary(line);
    if (scanned.body_starts && !boundary) {
        step.entity = Entity{.type = type_, .encoding = encoding_};
        end_header(scanned.place, line);
    }
    return step;
}

bool StructureScanner::take_mailbox_separator(std::string_view line, StructureStep& step)
{
    if (section_ != Section::PrimaryHeader || !only_received_ || !is_mailbox_separator(line))
        return false;
    step.completed = separate();
    step.place = LinePlace::Header;
    return only_received_;
}

std::optional<StructureHeader> StructureScanner::separate()
{
    if (section_ == Section::Body)
        return std::nullopt;
    auto completed = note(headers_.finish());
    headers_.restart();
    return completed;
}

void StructureScanner::add(Fault fault, std::string_view text)
{
    constexpr std::size_t longest = 250;  // more than a log line shows
    if (depth_ == Depth::Everything &&
        std::ranges::none_of(faults_, [fault](const FoundFault& found) { return found.fault == fault; }))
        faults_.push_back({.fault = fault, .text = std::string(text.substr(0, longest))});
}

// A header is complete: what it says of the structure holds for what comes.
std::optional<StructureHeader> StructureScanner::note(std::optional<Header> completed)
{
    if (!completed)
        return std::nullopt;
    if (has_eight_bit(completed->text))
        add(Fault::EightBitHeader, completed->text);
    only_received_ = only_received_ && equal_ignoring_case(completed->name, "received");
    const bool about_mime = is_mime_header(completed->name);
    StructureHeader seen{
        .header = *completed, .kind = HeaderClass::Mime, .of_message = section_ == Section::PrimaryHeader};
    if (!about_mime && section_ != Section::PartHeader)
        seen.kind = section_ == Section::PrimaryHeader ? HeaderClass::Primary : HeaderClass::Nested;
    if (depth_ == Depth::PrimaryHeader)
        return seen;
    if (equal_ignoring_case(completed->name, "content-type"))
        note_type(completed->value());
    else if (equal_ignoring_case(completed->name, "content-transfer-encoding"))
        encoding_ = parse_transfer_encoding(completed->value());
    return seen;
}

void StructureScanner::note_type(std::string_view value)
{
    ContentType content = parse_content_type(value);
    type_ = content.media;
    if (content.boundary.empty())
        return;
    if (!has_room()) {
        add(Fault::Nesting, trim(value));
        return;
    }
    content.boundary.resize(std::min(content.boundary.size(), limits_.boundary_length));
    boundaries_.push_back({.text = std::move(content.boundary),
                           .parts = type_ == MediaType::Digest ? MediaType::NestedMessage : MediaType::Other,
                           .nested = nested_});
}

// Only an empty line between them makes what follows the header of an attached message.
void StructureScanner::end_header(LinePlace place, std::string_view line)
{
    const bool encoded = encoding_ == TransferEncoding::QuotedPrintable || encoding_ == TransferEncoding::Base64;
    if (type_ != MediaType::Other && type_ != MediaType::GlobalMessage && encoded) {
        add(Fault::EncodedStructure, name(encoding_));
        encoding_ = TransferEncoding::SevenBit;  // it is not believed
    }
    section_ = Section::Body;
    const bool nested = type_ == MediaType::NestedMessage || type_ == MediaType::GlobalMessage;
    if (place == LinePlace::Separator && nested) {
        if (has_room()) {
            ++nested_;
            begin_section(Section::NestedHeader, MediaType::Other);
        } else {
            add(Fault::Nesting, "message/rfc822");
        }
    } else if (place == LinePlace::Body) {
        take_text(line);
    }
}

void StructureScanner::begin_section(Section section, MediaType default_type)
{
    section_ = section;
    type_ = default_type;
    encoding_ = TransferEncoding::SevenBit;
    headers_.restart();
}

void StructureScanner::take_text(std::string_view line)
{
    // What no encoding that is known explains is not explained.
    if ((encoding_ == TransferEncoding::SevenBit || encoding_ == TransferEncoding::Unknown) && has_eight_bit(line))
        add(Fault::EightBitBody, line);
}

// The line begins a part, or ends parts: of the innermost multipart whose boundary it begins with.
bool StructureScanner::take_boundary(std::string_view line)
{
    if (boundaries_.empty() || !line.starts_with("--"))
        return false;
    line.remove_prefix(2);
    auto found = std::ranges::find_if(boundaries_.rbegin(), boundaries_.rend(),
                                      [line](const Boundary& known) { return line.starts_with(known.text); });
    if (found == boundaries_.rend())
        return false;
    nested_ = found->nested;
    const bool ends = line.substr(found->text.size()).starts_with("--");
    boundaries_.erase(found.base(), boundaries_.end());
    if (ends) {
        boundaries_.pop_back();
        begin_section(Section::Body, MediaType::Other);
    } else {
        begin_section(Section::PartHeader, boundaries_.back().parts);
    }
    return true;
}

}  // namespace posthaste::mime
