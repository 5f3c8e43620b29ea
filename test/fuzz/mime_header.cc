// The header section of a message, cut into lines: the scanner never keeps more than its limit, and the body never
// goes back to headers.
#include "mime/header_scanner.h"

#include <cstdlib>

using namespace posthaste::mime;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    constexpr std::size_t limit = 64;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    HeaderScanner scanner(limit);
    auto check = [](const std::optional<Header>& header) {
        if (header && (header->text.size() > limit || header->name.empty() || !header->text.starts_with(header->name)))
            std::abort();
        if (header)
            (void)header->value();
    };
    bool body = false;
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        ScanStep step = scanner.feed(text.substr(0, end));
        check(step.completed);
        if (body && (step.place != LinePlace::Body || step.body_starts))
            std::abort();
        body = body || step.body_starts;
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    check(scanner.finish());
    return 0;
}
