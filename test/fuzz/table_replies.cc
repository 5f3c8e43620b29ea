// What table servers answer: socketmap, tcp, memcache and redis replies. A size never exceeds what was received.
#include "table/network_replies.h"
#include "table/server_client.h"

#include <cstdlib>

using namespace posthaste;

namespace {

void check(const table::ReplySize& size, std::string_view received, table::Answer (*answer)(std::string_view))
{
    if (!size || !*size)
        return;
    if (**size > received.size())
        std::abort();
    (void)answer(received.substr(0, **size));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(table::size_of_netstring(text, 1000), text, table::socketmap_answer);
    check(table::complete_line(text, table::tcp_line_limit), text, table::tcp_answer);
    check(table::size_of_memcache_reply(text, {}), text, table::memcache_answer);
    check(table::size_of_redis_reply(text), text, table::redis_answer);
    if (table::tcp_decode(table::tcp_encode(text)) != text)
        std::abort();
    return 0;
}
