// The text forms of tables: source lines, alias lines, braces, networks, inline tables and rules.
#include "address/network.h"
#include "match/list.h"
#include "table/alias_source.h"
#include "table/key_value.h"
#include "table/table.h"
#include "table/text_source.h"

#include <cstdlib>

using namespace posthaste;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    std::string_view text(reinterpret_cast<const char*>(data), size);
    table::LogicalLines lines(text);
    table::LogicalLine line;
    while (lines.next(line)) {
        if (line.text.empty())
            std::abort();
        (void)table::split_key_value(line.text);
        (void)table::parse_alias(line.text);
    }
    if (auto network = address::parse_network(text); network && !network->contains(network->base))
        std::abort();
    (void)table::split_outside_braces(text, table::list_separators);
    table::OpenOptions quiet{.warn = [](std::string_view) {}};
    for (std::string_view type : {"inline:{", "cidr:{"})
        if (auto opened = table::open(std::string(type) + std::string(text) + "}", quiet))
            (void)(*opened)->lookup(text).ready();
    return 0;
}
