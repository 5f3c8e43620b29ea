// recipient_names.cc — see recipient_names.h.
#include "daemon/local/recipient_names.h"

#include "address/local_part.h"
#include "param/basics.h"

#include <algorithm>

namespace posthaste::local {

void keep_only(std::string_view allowed, std::string& value)
{
    std::ranges::replace_if(value, [&](char c) { return !allowed.contains(c); }, '_');
}

Result<std::string> expand_names(const config::Config& config, std::string_view text, const Scope& scope,
                                 std::string_view allowed)
{
    const address::Split parts = address::split_at_domain(scope.address);
    auto names = [&](std::string_view name) -> Result<std::optional<config::NameValue>> {
        auto value = [&](std::string_view found) {
            std::string kept(found);
            if (!allowed.empty())
                keep_only(allowed, kept);
            return std::optional(config::NameValue{std::move(kept), config::Further::Keep});
        };
        const std::string_view extension = scope.extension;
        if (name == "user")
            return value(scope.name);
        if (name == "home")
            return value(scope.account.home);
        if (name == "shell")
            return value(scope.account.shell);
        if (name == "recipient")
            return value(scope.address);
        if (name == "extension")
            return value(extension.substr(std::min<std::size_t>(1, extension.size())));
        if (name == "domain")
            return value(parts.domain);
        if (name == "local")
            return value(parts.local_part);
        if (name == "recipient_delimiter")
            return value(extension.empty() ? std::string_view(config.get(param::recipient_delimiter)).substr(0, 1)
                                           : extension.substr(0, 1));
        return std::optional<config::NameValue>();
    };
    return config.try_expand(text, names);
}

}  // namespace posthaste::local
