// A message cut into lines: whatever it says of its structure, the scanner keeps to its limits, and no header is longer
// than what was read of it.
#include "mime/seven_bit.h"
#include "mime/structure_scanner.h"

#include <algorithm>
#include <cstdlib>

using namespace posthaste::mime;

namespace {

// Whatever it is cut into, the message becomes the same.
void check_conversion(std::string_view text, const StructureLimits& limits)
{
    SevenBitConverter whole(limits);
    std::string at_once = whole.convert(text);
    at_once += whole.finish();
    SevenBitConverter by_line(limits);
    std::string in_pieces;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find("\r\n"), text.size());
        in_pieces += by_line.convert(text.substr(0, end + 2));
        text.remove_prefix(std::min(end + 2, text.size()));
    }
    in_pieces += by_line.finish();
    if (at_once != in_pieces)
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    constexpr StructureLimits limits{.header_size = 80, .boundary_length = 8, .nesting = 4};
    std::string_view text(reinterpret_cast<const char*>(data), size);
    check_conversion(text, limits);
    StructureScanner scanner(limits, Depth::Everything);
    auto check = [](const std::optional<StructureHeader>& header) {
        if (!header)
            return;
        const std::string shown = header->text();
        if (header->header.text.size() > limits.header_size || shown.size() > header->header.text.size())
            std::abort();
        if (header->of_message && header->kind == HeaderClass::Nested)
            std::abort();
    };
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        StructureStep step = scanner.feed(text.substr(0, end));
        check(step.completed);
        if (step.place == LinePlace::Header && step.segment_begins)
            std::abort();
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    check(scanner.finish());
    if (scanner.faults().size() > 4)
        std::abort();
    return 0;
}
