// Words are put on the line until it is full; a continuation line begins with four spaces.
#include "command/postconf/layout.h"

#include "base/text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace posthaste::command::postconf {
namespace {

constexpr std::size_t line_width = 80;
constexpr std::string_view indent = "    ";
constexpr std::string_view separators = " \t\r\n";

std::string json_string(std::string_view text)
{
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string laid_out(std::string_view name, std::string_view value, Fold fold)
{
    std::string text = name.empty() ? std::string() : fmt::format("{} =", name);
    std::size_t length = text.size();
    for (const std::string_view word : split(value, separators)) {
        if (length == 0) {
            text += word;
            length = word.size();
        } else if (fold == Fold::Yes && length + 1 + word.size() > line_width) {
            text += fmt::format("\n{}{}", indent, word);
            length = indent.size() + word.size();
        } else {
            text += fmt::format(" {}", word);
            length += 1 + word.size();
        }
    }
    return text;
}

std::string json_object(std::initializer_list<std::pair<std::string_view, std::string_view>> members)
{
    std::string text = "{";
    for (const auto& [name, value] : members)
        text += fmt::format("{}{}: {}", text.size() == 1 ? "" : ", ", json_string(name), json_string(value));
    return text + "}";
}

}  // namespace posthaste::command::postconf
