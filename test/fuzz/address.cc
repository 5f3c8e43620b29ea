// Paths of MAIL and RCPT, and address lists of headers: no input may crash, and what is accepted must survive being
// written and read again.
#include "address/destinations.h"
#include "address/header_list.h"
#include "address/local_part.h"
#include "address/path.h"

#include <cstdlib>

using namespace posthaste::address;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    std::string_view text(reinterpret_cast<const char*>(data), size);
    for (PathSyntax syntax : {PathSyntax::Lenient, PathSyntax::Strict}) {
        auto path = parse_path(text, syntax);
        if (!path || path->address.empty())
            continue;
        auto again = parse_path("<" + quote(path->address) + ">", syntax);
        if (again && again->address != path->address)
            std::abort();
        if (unquote(quote(path->address)) != path->address)
            std::abort();
    }
    for (const ListedAddress& item : parse_address_list(text).addresses)
        if (item.begin > item.end || item.end > text.size())
            std::abort();
    for (const Destination& item : parse_destinations(text).list)
        if (item.kind != DestinationKind::Address && item.text.empty())
            std::abort();
    return 0;
}
