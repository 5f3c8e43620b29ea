// main.cf, expressions and master.cf: no input may crash, and a service that is accepted must survive being printed and
// read again.
#include "config/edit.h"
#include "config/expand.h"
#include "config/main_cf.h"
#include "config/master_cf.h"

#include <cstdlib>

using namespace posthaste;
using namespace posthaste::config;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto main_cf = parse_main_cf(text, "main.cf");
    const NameLookup lookup = [&](std::string_view name) -> Result<std::optional<NameValue>> {
        if (!main_cf)
            return std::nullopt;
        for (const Setting& setting : main_cf->settings)
            if (setting.name == name)
                return NameValue{setting.value};
        return std::nullopt;
    };
    if (size < 256)
        static_cast<void>(expand(text, lookup));
    for_each_name(text, [](std::string_view name) {
        if (name.empty())
            std::abort();
    });
    static_cast<void>(edited(text, Syntax::MainCf, {set_parameter("a", "b")}));
    const auto master_cf = parse_master_cf(text, "master.cf");
    if (!master_cf)
        return 0;
    for (const MasterService& service : master_cf->services) {
        const auto again = parse_master_cf(to_text(service, Layout::Folded), "master.cf");
        if (!again || again->services.size() != 1 || again->services[0].arguments != service.arguments ||
            again->services[0].overrides != service.overrides)
            std::abort();
    }
    return 0;
}
