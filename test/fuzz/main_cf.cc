// main.cf and its expressions: no input may crash, what is read has the shape that it is said to have, and an edit
// changes the setting that it names and no other.
#include "config/main_cf.h"
#include "base/text.h"
#include "config/edit.h"
#include "config/expand.h"

#include <cstdlib>
#include <map>

using namespace posthaste;
using namespace posthaste::config;

namespace {

// The last setting of a name counts.
std::map<std::string, std::string> values_of(const MainCf& main_cf)
{
    std::map<std::string, std::string> values;
    for (const Setting& setting : main_cf.settings) {
        if (setting.name.empty() || trim(setting.value) != setting.value)
            std::abort();
        values[setting.name] = setting.value;
    }
    return values;
}

void check_expressions(std::string_view text, const std::map<std::string, std::string>& values)
{
    const NameLookup lookup = [&](std::string_view name) -> Result<std::optional<NameValue>> {
        auto value = values.find(std::string(name));
        return value == values.end() ? std::optional<NameValue>() : NameValue{value->second};
    };
    if (text.size() < 256)
        static_cast<void>(expand(text, lookup));
    for_each_name(text, [](std::string_view name) {
        if (name.empty())
            std::abort();
    });
}

void check_edit(std::string_view text, std::map<std::string, std::string> values)
{
    const auto again = parse_main_cf(edited(text, Syntax::MainCf, {set_parameter("a", "b c")}), "main.cf");
    if (!again)
        std::abort();
    values["a"] = "b c";
    if (values_of(*again) != values)
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto main_cf = parse_main_cf(text, "main.cf");
    const auto values = main_cf ? values_of(*main_cf) : std::map<std::string, std::string>();
    check_expressions(text, values);
    if (main_cf)
        check_edit(text, values);
    else
        static_cast<void>(edited(text, Syntax::MainCf, {set_parameter("a", "b c")}));
    return 0;
}
