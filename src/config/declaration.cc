// Finding declarations by name.
#include "config/declaration.h"

#include <algorithm>
#include <functional>

namespace posthaste::config {

std::optional<std::size_t> find_declaration(std::string_view name)
{
    const auto all = declarations();
    const auto it = std::ranges::lower_bound(all, name, std::less<>{}, &Declaration::name);
    if (it == all.end() || it->name != name)
        return std::nullopt;
    return static_cast<std::size_t>(it - all.begin());
}

const OldName* find_old_name(std::string_view name)
{
    const auto all = old_names();
    const auto it = std::ranges::lower_bound(all, name, std::less<>{}, &OldName::name);
    return it == all.end() || it->name != name ? nullptr : &*it;
}

std::optional<std::size_t> find_family(std::string_view name, std::string_view service)
{
    if (!name.starts_with(service) || name.size() <= service.size() || name[service.size()] != '_')
        return std::nullopt;
    const auto all = families();
    const auto it = std::ranges::find(all, name.substr(service.size() + 1), &FamilyDeclaration::suffix);
    if (it == all.end())
        return std::nullopt;
    return static_cast<std::size_t>(it - all.begin());
}

}  // namespace posthaste::config
