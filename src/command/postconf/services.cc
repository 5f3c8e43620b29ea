// Services as lines (-M), as service/type/field = value (-F), and their -o options (-P).
#include "command/postconf/services.h"

#include "base/text.h"
#include "command/postconf/layout.h"
#include "config/master_cf.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>

namespace posthaste::command::postconf {
namespace {

using config::MasterService;

// One thing that can be asked for: its path and how it is printed.
struct Item {
    std::string path;
    std::string text;
};

std::string value_line(const Options& options, const std::string& path, std::string_view value)
{
    if (options.hide_values)
        return path;
    return laid_out(options.hide_names ? "" : path, value, options.fold ? Fold::Yes : Fold::No);
}

void add_fields(const Options& options, const MasterService& service, const std::string& path, std::vector<Item>& items)
{
    const std::array<std::string, field_names.size()> values = fields_of(service);
    for (std::size_t i = 0; i < field_names.size(); ++i) {
        const std::string field_path = fmt::format("{}/{}", path, field_names[i]);
        items.push_back({field_path, value_line(options, field_path, values[i])});
    }
}

void add_parameters(const Options& options, const MasterService& service, const std::string& path,
                    std::vector<Item>& items)
{
    std::map<std::string_view, std::string_view> values;
    for (const auto& [name, value] : service.overrides)
        values[name] = value;
    for (const auto& [name, value] : values) {
        const std::string parameter_path = fmt::format("{}/{}", path, name);
        items.push_back({parameter_path, value_line(options, parameter_path, value)});
    }
}

std::vector<Item> items_of(const Options& options, const config::MasterCf& master)
{
    std::vector<Item> items;
    for (const MasterService& service : master.services) {
        const std::string path = fmt::format("{}/{}", service.name, config::name(service.type));
        if (options.mode == Mode::Fields)
            add_fields(options, service, path, items);
        else if (options.mode == Mode::ServiceParameters)
            add_parameters(options, service, path, items);
        else
            items.push_back(
                {path, config::to_text(service, options.fold ? config::Layout::Folded : config::Layout::OneLine)});
    }
    return items;
}

}  // namespace

std::array<std::string, 8> fields_of(const MasterService& service)
{
    const std::string line = config::to_text(service, config::Layout::OneLine);
    std::string_view rest = line;
    std::array<std::string, field_names.size()> values;
    for (std::size_t i = 0; i < values.size(); ++i) {
        rest = trim(rest);
        const std::size_t end = i + 1 == values.size() ? rest.size() : rest.find(' ');
        values[i] = rest.substr(0, end);
        rest.remove_prefix(end);
    }
    return values;
}

bool matches(std::string_view pattern, std::string_view path)
{
    while (!pattern.empty()) {
        const std::string_view wanted = pattern.substr(0, pattern.find('/'));
        const std::string_view part = path.substr(0, path.find('/'));
        if (wanted != "*" && wanted != part)
            return false;
        pattern.remove_prefix(std::min(wanted.size() + 1, pattern.size()));
        path.remove_prefix(std::min(part.size() + 1, path.size()));
    }
    return true;
}

Result<Output> print_services(const Options& options)
{
    TRY(std::string directory, config::find_directory(options.config_directory));
    TRY(config::MasterCf master, config::load_master_cf(directory));
    Output output;
    for (const config::Notice& notice : master.notices)
        output.warnings.push_back(fmt::format("{}: {}", notice.place.text(), notice.text));
    const std::vector<Item> items = items_of(options, master);
    std::vector<bool> matched(options.operands.size(), false);
    for (const Item& item : items) {
        bool wanted = options.operands.empty();
        for (std::size_t i = 0; i < options.operands.size(); ++i) {
            if (!matches(options.operands[i], item.path))
                continue;
            wanted = true;
            matched[i] = true;
        }
        if (wanted)
            output.text += item.text + "\n";
    }
    for (std::size_t i = 0; i < matched.size(); ++i) {
        if (!matched[i])
            output.warnings.push_back(fmt::format("unmatched request: \"{}\"", options.operands[i]));
    }
    return output;
}

}  // namespace posthaste::command::postconf
