// Replies of tcp: servers (tcp_table(5)): no bytes may crash, a line never exceeds what was received nor its limit, and
// what is encoded is decoded to the same.
#include "table/network_replies.h"
#include "table/server_client.h"

#include <cstdlib>

using namespace posthaste;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (table::tcp_decode(table::tcp_encode(text)) != text)
        std::abort();
    const auto length = table::complete_line(text, table::tcp_line_limit);
    if (!length || !*length)
        return 0;
    if (**length > text.size() || **length > table::tcp_line_limit)
        std::abort();
    const auto answer = table::tcp_answer(text.substr(0, **length));
    if (answer && *answer && (*answer)->size() > **length)
        std::abort();
    return 0;
}
