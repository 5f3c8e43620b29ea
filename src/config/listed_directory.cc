// listed_directory.cc — see listed_directory.h.
#include "config/listed_directory.h"

#include "base/text.h"
#include "config/main_cf.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::config {

Result<void> check_listed(const std::string& directory, std::string_view main_cf, const std::string& file)
{
    TRY(MainCf parsed, parse_main_cf(main_cf, file));
    for (const Setting& setting : parsed.settings) {
        if (setting.name != "alternate_config_directories" && setting.name != "multi_instance_directories")
            continue;
        const std::vector<std::string_view> listed = split(setting.value, ", \t");
        if (std::ranges::find(listed, directory) != listed.end())
            return {};
    }
    return fail(ErrorKind::Denied,
                fmt::format("{} is not listed in alternate_config_directories of {}", directory, file));
}

}  // namespace posthaste::config
