// The snapshot: looking names up, and converting values.
#include "config/config.h"

#include <fmt/format.h>

namespace posthaste::config {
const Setting* Config::find(std::string_view name) const
{
    const auto it = by_name_.find(name);
    return it == by_name_.end() ? nullptr : &settings_[it->second];
}

std::string Config::default_of(std::size_t slot) const
{
    const Declaration& declaration = declarations()[slot];
    const auto it = computed_.find(declaration.function);
    return it == computed_.end() ? std::string(declaration.default_text) : it->second;
}

Result<std::optional<std::string>> Config::unexpanded(std::string_view name) const
{
    const Setting* setting = find(name);
    const std::optional<std::size_t> slot = find_declaration(name);
    if (setting == nullptr && !slot)
        return std::nullopt;
    const bool read_only = slot && declarations()[*slot].read_only;
    std::string text = setting != nullptr && !read_only ? setting->value : default_of(*slot);
    if (slot && declarations()[*slot].file_value) {
        if (const auto file = file_values_.find(text); file != file_values_.end())
            return file->second;
    }
    return text;
}

Result<std::optional<NameValue>> Config::look_up(std::string_view name) const
{
    TRY(std::optional<std::string> text, unexpanded(name));
    if (!text)
        return std::nullopt;
    return NameValue{std::move(*text), Further::Expand};
}

Result<std::string> Config::try_expand(std::string_view text) const
{
    return config::expand(text, [this](std::string_view name) { return look_up(name); });
}

Result<std::string> Config::try_expand(std::string_view text, const NameLookup& extra) const
{
    return config::expand(text, [&](std::string_view name) -> Result<std::optional<NameValue>> {
        TRY(std::optional<NameValue> found, extra(name));
        return found ? std::move(found) : look_up(name);
    });
}

std::string Config::expand(std::string_view text) const { return try_expand(text).value_or(std::string(text)); }

std::optional<std::string> Config::raw(std::string_view name) const
{
    const Setting* setting = find(name);
    return setting == nullptr ? std::nullopt : std::optional(setting->value);
}

std::optional<Place> Config::place(std::string_view name) const
{
    const Setting* setting = find(name);
    return setting == nullptr ? std::nullopt : std::optional(setting->place);
}

Result<std::optional<std::string>> Config::value_of(std::string_view name) const
{
    TRY(std::optional<std::string> text, unexpanded(name));
    if (!text)
        return std::nullopt;
    const std::optional<std::size_t> slot = find_declaration(name);
    if (slot && declarations()[*slot].kind == Kind::Raw)
        return text;
    TRY(std::string value, try_expand(fmt::format("${{{}}}", name)));
    return value;
}

Result<Config::Value> Config::converted(std::string text, const Declaration& declaration)
{
    const Bounds bounds{declaration.minimum, declaration.maximum};
    Value value;
    switch (declaration.kind) {
    case Kind::String: {
        TRY(value.text, parse_words(std::move(text), declaration.words));
        break;
    }
    case Kind::Raw: value.text = std::move(text); break;
    case Kind::Int:
    case Kind::Long: {
        TRY(value.number, parse_integer(text, bounds));
        break;
    }
    case Kind::Bool: {
        TRY(value.number, parse_bool(text));
        break;
    }
    case Kind::Time: {
        TRY(std::chrono::seconds time, parse_time(text, declaration.unit, bounds));
        value.number = time.count();
        break;
    }
    }
    return value;
}

Result<std::optional<Config::Value>> Config::family_value(std::string_view service, std::size_t index) const
{
    const FamilyDeclaration& family = families()[index];
    const std::string name = fmt::format("{}_{}", service, family.suffix);
    const std::optional<std::size_t> slot = find_declaration(name);
    const Setting* setting = find(name);
    if (slot && family.kind == declarations()[*slot].kind)
        return values_[*slot];
    if (setting == nullptr)
        return std::nullopt;
    // The name of a service may hold characters that no $name has, so that the value itself is expanded.
    const Declaration& fallback = declarations()[family.fallback_slot];
    const auto in_place = [&](Error error) {
        return fail(std::move(error).in(fmt::format("{}: {}", setting->place.text(), name)));
    };
    Result<std::string> text = try_expand(setting->value);
    if (!text)
        return in_place(std::move(text).error());
    Result<Value> value = converted(std::move(*text), fallback);
    if (!value)
        return in_place(std::move(value).error());
    return std::move(*value);
}

}  // namespace posthaste::config
