// seven_bit.cc — see seven_bit.h.
#include "mime/seven_bit.h"

#include "base/text.h"

#include <algorithm>
#include <utility>

namespace posthaste::mime {

void append_quoted_printable(std::string& out, std::string_view line)
{
    constexpr std::size_t longest = 76;
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::size_t column = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        const bool last = i + 1 == line.size();
        const bool blank = c == ' ' || c == '\t';
        bool plain = blank ? !last : c > ' ' && c <= '~' && c != '=';
        if (column + (plain ? 1 : 3) > (last ? longest : longest - 1)) {
            out += "=\r\n";
            column = 0;
            plain = plain && c != '-';  // what begins a line here must not be taken for a boundary
        }
        column += plain ? 1 : 3;
        if (plain) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out.append({'=', digits[byte >> 4], digits[byte & 0xf]});
        }
    }
    out += "\r\n";
}

std::string SevenBitConverter::convert(std::string_view crlf_lines)
{
    std::string out;
    out.reserve(crlf_lines.size());
    while (!crlf_lines.empty()) {
        const std::size_t end = std::min(crlf_lines.find("\r\n"), crlf_lines.size());
        take(crlf_lines.substr(0, end), out);
        crlf_lines.remove_prefix(std::min(end + 2, crlf_lines.size()));
    }
    return out;
}

std::string SevenBitConverter::finish() { return std::exchange(label_, {}); }

void SevenBitConverter::take(std::string_view line, std::string& out)
{
    const StructureStep step = scanner_.feed(line);
    if (step.entity) {
        end_header(*step.entity, out);
    } else if (step.segment_begins) {  // a boundary, which may end a header, too
        out += std::exchange(label_, {});
        of_message_ = in_label_ = encodes_ = false;
    }
    if (step.place == LinePlace::Header)
        take_header_line(line, out);
    else if (step.place == LinePlace::Body && encodes_) {
        if (step.entity)
            out += "\r\n";  // the empty line is missing, and what is encoded might look like a header
        append_quoted_printable(out, line);
    } else
        out.append(line).append("\r\n");
}

void SevenBitConverter::take_header_line(std::string_view line, std::string& out)
{
    if (!line.starts_with(' ') && !line.starts_with('\t')) {
        const std::string_view name = line.substr(0, header_name_length(line));
        in_label_ = equal_ignoring_case(name, "content-transfer-encoding");
        has_version_ = has_version_ || equal_ignoring_case(name, "mime-version");
        has_type_ = has_type_ || equal_ignoring_case(name, "content-type");
    }
    (in_label_ ? label_ : out).append(line).append("\r\n");
}

void SevenBitConverter::end_header(Entity entity, std::string& out)
{
    const std::string label = std::exchange(label_, {});
    const bool of_message = std::exchange(of_message_, false);
    const bool eight_bit = entity.encoding == TransferEncoding::EightBit ||
                           entity.encoding == TransferEncoding::Binary || (of_message && label.empty());
    const bool has_parts = entity.type != MediaType::Other;
    in_label_ = false;
    encodes_ = eight_bit && !has_parts;
    if (!eight_bit || (has_parts && label.empty())) {
        out += label;
        return;
    }
    if (of_message && !has_version_)
        out += "MIME-Version: 1.0\r\n";
    if (of_message && !has_type_)
        out += "Content-Type: text/plain; charset=unknown-8bit\r\n";
    out.append("Content-Transfer-Encoding: ").append(has_parts ? "7bit" : "quoted-printable").append("\r\n");
}

}  // namespace posthaste::mime
