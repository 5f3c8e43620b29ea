// Files of regexp: tables (regexp_table(5)), POSIX expressions: no input may crash, and leaving out rules that cannot
// match (pattern_filter.h) changes no answer. Below four rules nothing is left out, so that the same rules with four
// more that never match must answer the same.
#include "base/text.h"
#include "table/table.h"
#include "table_file.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    const fuzz::Input input({reinterpret_cast<const char*>(data), size});
    // The libraries take long for some expressions, and those are the administrator's: not what is looked for here.
    // Each further + doubles what the C library's regcomp() needs.
    if (size > 300 || input.rules.contains('{') || input.rules.contains("+++"))
        return 0;
    const auto answer = fuzz::answer_of("regexp", input.rules, input.key);
    if (!answer || posthaste::to_lower(input.key).contains("never") || input.rules.contains("never"))
        return 0;
    std::string more;
    for (int i = 0; i < 4; ++i)
        more += "/^never$/ never\n";
    const auto filtered = fuzz::answer_of("regexp", input.rules + more, input.key);
    if (!filtered || *filtered != *answer)
        std::abort();
    return 0;
}
