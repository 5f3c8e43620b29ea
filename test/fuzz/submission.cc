// What stands in maildrop/ and in delivery logs, and headers on their way into the queue: no input may crash, the
// portions in which it comes make no difference, and nothing that was not there before gets into a header.
#include "dsn/delivery_log.h"
#include "intake/header_pass.h"
#include "intake/maildrop.h"
#include "intake/stray_line_ends.h"

#include <cstdlib>

using namespace posthaste;
using namespace posthaste::intake;

namespace {

std::string content_of(std::string_view bytes, std::size_t portion)
{
    SubmissionReader reader;
    bool envelope = false;
    std::string content;
    for (std::size_t at = 0; at < bytes.size(); at += portion) {
        reader.feed(bytes.substr(at, portion));
        if (!envelope) {
            auto read = reader.envelope();
            if (!read)
                return "error";
            envelope = read->has_value();
        }
        while (envelope) {
            auto piece = reader.piece();
            if (!piece)
                return "error";
            if (!*piece)
                break;
            content += **piece;
        }
    }
    return content;
}

void check_header(std::string_view text)
{
    HeaderRules rules;
    rules.drop = {"bcc"};
    rules.canonical_form = [](std::string_view address, AddressRewriting) { return std::string(address); };
    std::string repaired = replace_stray_line_ends(text);
    repaired += "\r\n";
    if (has_stray_line_end(repaired) && !text.ends_with('\r'))
        std::abort();
    HeaderPass header(rules, AddressRewriting::Local);
    std::vector<HeaderPlace> places;
    header.note_addresses(&places);
    std::string stored;
    std::size_t taken = header.feed(repaired, stored);
    header.finish(stored);
    // An address gets two quotes and a comma at most, and has two bytes with what separates it from the next.
    if (taken > repaired.size() || stored.size() > 3 * repaired.size())
        std::abort();
    for (const HeaderPlace& place : places)
        if (place.begin + place.size > stored.size() || place.size == 0 ||
            stored.find(':', place.begin) == std::string::npos)
            std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (size > 0 && content_of(text, size) != "error" && content_of(text, 7) != content_of(text, size))
        std::abort();
    check_header(text);
    for (const dsn::DeliveryRecord& record : dsn::parse_delivery_log(text)) {
        auto again = dsn::parse_delivery_log(dsn::format_record(record));
        if (again.size() != 1)
            std::abort();
    }
    return 0;
}
