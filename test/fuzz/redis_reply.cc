// Replies of Redis servers (RESP2): no bytes may crash, a size never exceeds what was received, and a reply means the
// same whatever follows it.
#include "table/network_replies.h"

#include <cstdlib>

using namespace posthaste;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto length = table::size_of_redis_reply(text);
    if (!length || !*length)
        return 0;
    if (**length > text.size())
        std::abort();
    const std::string_view reply = text.substr(0, **length);
    const auto again = table::size_of_redis_reply(reply);
    if (!again || *again != *length)
        std::abort();
    const auto answer = table::redis_answer(reply);
    if (answer && *answer && (*answer)->size() > reply.size())
        std::abort();
    return 0;
}
