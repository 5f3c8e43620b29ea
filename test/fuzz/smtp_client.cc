// What a server may answer, and content on its way to it: no input may crash, a reply that is taken is taken again from
// the same bytes, and content survives being encoded and decoded.
#include "smtp/client_content.h"
#include "smtp/client_reply.h"

#include <cstdlib>

using namespace posthaste::smtp;

namespace {

void check_reply(std::string_view text)
{
    std::size_t used = 0;
    auto reply = take_reply(text, used);
    if (!reply || !*reply)
        return;
    std::size_t again_used = 0;
    auto again = take_reply(text.substr(0, used), again_used);
    if (used > text.size() || !again || !*again || again_used != used || (*again)->text != (*reply)->text)
        std::abort();
    parse_extensions(text.substr(0, used), {});
}

// Without folding, taking one dot off each line that begins with one gives the content back.
void check_content(std::string_view text)
{
    std::string content;
    for (char c : text)
        content += c == '\n' ? std::string("\r\n") : c == '\r' ? std::string() : std::string(1, c);
    content += "\r\n";
    std::string encoded;
    for (ContentEncoder encoder(content, 0); encoder.next(encoded, 7);) {
    }
    std::string decoded;
    bool line_start = true;
    for (char c : encoded) {
        if (!(line_start && c == '.'))
            decoded += c;
        line_start = c == '\n';
    }
    if (decoded != content)
        std::abort();
    std::string folded;
    for (ContentEncoder encoder(content, 5); encoder.next(folded, 7);) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    std::string_view text(reinterpret_cast<const char*>(data), size);
    check_reply(text);
    check_content(text);
    return 0;
}
