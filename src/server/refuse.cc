// refuse.cc — see refuse.h.
#include "server/refuse.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::server {

Result<void> refuse_setting(const config::Config& config, std::string_view name,
                            std::initializer_list<std::string_view> values)
{
    auto raw = config.raw(name);
    if (!raw)
        return {};
    std::string value(trim(config.expand(*raw)));
    bool refused = values.size() == 0 ? !value.empty() : std::ranges::find(values, value) != values.end();
    if (!refused)
        return {};
    return fail(
        ErrorKind::Unsupported,
        fmt::format("{} = {}: not built yet (planned), and this service does not work without it", name, value));
}

}  // namespace posthaste::server
