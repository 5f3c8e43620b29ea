// tool_output.cc — see tool_output.h.
#include "table/tool_output.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace posthaste::table {

namespace {

std::string json_string(std::string_view text)
{
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string format_entry(const ToolOptions& options, std::string_view key, std::string_view value)
{
    if (options.output == OutputForm::Json)
        return fmt::format("{{{}: {}}}\n", json_string(key), json_string(value));
    return fmt::format("{}{}\t{}\n", key, options.dialect == Dialect::Postalias ? ":" : "", value);
}

}  // namespace posthaste::table
