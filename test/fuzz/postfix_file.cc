// Queue files of Postfix: no bytes may crash the reader or keep it busy for long, and what it read and wrote again is
// read as the same message.
#include "queue/postfix_file.h"

#include <cstdlib>

using namespace posthaste;
using namespace posthaste::queue;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    std::string content;
    const ContentSink keep = [&](std::string_view piece) -> Result<void> {
        content += piece;
        return {};
    };
    auto message = read_postfix_file({reinterpret_cast<const char*>(data), size}, keep);
    if (!message)
        return 0;
    if (message->facts.size != content.size() || content.size() > 3 * size)
        std::abort();
    std::vector<std::size_t> everybody;
    for (std::size_t i = 0; i < message->envelope.recipients.size(); ++i)
        everybody.push_back(i);
    const std::string written = write_postfix_file(message->envelope, everybody, message->facts, content);
    const std::string before = std::exchange(content, {});
    auto again = read_postfix_file(written, keep);
    if (!again || content != before || again->envelope.sender != message->envelope.sender ||
        again->envelope.recipients.size() != message->envelope.recipients.size())
        std::abort();
    return 0;
}
