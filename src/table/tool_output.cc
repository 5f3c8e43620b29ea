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

void append_entry(std::string& out, const ToolOptions& options, std::string_view key, std::string_view value)
{
    if (options.output == OutputForm::Json) {
        out += fmt::format("{{{}: {}}}\n", json_string(key), json_string(value));
        return;
    }
    out += key;
    out += options.dialect == Dialect::Postalias ? ":\t" : "\t";
    out += value;
    out += '\n';
}

}  // namespace posthaste::table
