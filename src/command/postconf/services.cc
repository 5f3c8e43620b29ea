// Services as lines (-M), as service/type/field = value (-F), and their -o options (-P).
#include "command/postconf/services.h"

#include "base/text.h"
#include "command/postconf/layout.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>

namespace posthaste::command::postconf {
namespace {

using config::Config;
using config::MasterService;

// Of the -o options: each problem once.
void add_name_problems(const config::NameCheck& check, const std::string& file, Output& output)
{
    const auto warn = [&](const config::Place& place, const std::string& problem) {
        std::string text = fmt::format("{}: {}", file, problem);
        if (place.file == file && std::ranges::find(output.warnings, text) == output.warnings.end())
            output.warnings.push_back(std::move(text));
    };
    for (const config::UndefinedName& undefined : check.undefined_names())
        warn(undefined.place, fmt::format("undefined parameter: {}", undefined.name));
    for (const config::NameProblem& problem : check.problems())
        warn(problem.setting.place, problem.text);
}

// Life time: one print. Collects what the options ask for.
class ServicePrinter {
public:
    ServicePrinter(const Options& options, const Config& config) : options_(options), config_(config) {}

    Result<Output> run(const config::MasterCf& master)
    {
        TRY(parse_operands());
        for (const MasterService& service : master.services) {
            TRY(MasterService shown, options_.expand ? expanded(service) : Result<MasterService>(service));
            switch (options_.mode) {
            case Mode::Fields: add_fields(shown); break;
            case Mode::ServiceParameters: TRY(add_parameters(shown)); break;
            default: add_service(shown); break;
            }
        }
        for (std::size_t i = 0; i < patterns_.size(); ++i) {
            if (!matched_[i])
                output_.warnings.push_back(fmt::format("unmatched request: \"{}\"", options_.operands[i]));
        }
        return std::move(output_);
    }

private:
    Result<void> parse_operands()
    {
        for (const std::string& operand : options_.operands) {
            std::optional<Pattern> pattern = parse_pattern(options_.mode, operand);
            if (!pattern)
                return fail(ErrorKind::Invalid, std::string(syntax()));
            if (options_.mode == Mode::Fields)
                TRY(check_field(*pattern));
            patterns_.push_back(std::move(*pattern));
        }
        matched_.resize(patterns_.size(), false);
        return {};
    }

    std::string_view syntax() const
    {
        switch (options_.mode) {
        case Mode::Fields: return "-F option requires service_name[/type[/field]]";
        case Mode::ServiceParameters: return "-P option requires service_name[/type[/parameter]]";
        default: return "-M option requires service_name[/type]";
        }
    }

    // -x: the values of -o options, by the service's own settings first.
    Result<MasterService> expanded(MasterService service) const
    {
        const config::NameLookup own = [&](std::string_view name) -> Result<std::optional<config::NameValue>> {
            for (auto it = service.overrides.rbegin(); it != service.overrides.rend(); ++it) {
                if (it->first == name)
                    return config::NameValue{it->second, config::Further::Expand};
            }
            if (name == "service_name")
                return config::NameValue{service.name, config::Further::Keep};
            if (name == "process_name")
                return config::NameValue{service.command, config::Further::Keep};
            return std::nullopt;
        };
        MasterService result = service;
        std::size_t next = 0;
        for (std::size_t i = 0; i < result.arguments.size() && next < result.overrides.size(); ++i) {
            if (result.arguments[i] != "-o")
                continue;
            auto& [name, value] = result.overrides[next++];
            Result<std::string> text = config_.try_expand(value, own);
            if (!text)
                return fail(std::move(text).error().in(fmt::format("{}: {}", service.place.text(), name)));
            value = std::move(*text);
            result.arguments[++i] = fmt::format("{}={}", name, value);
        }
        return result;
    }

    static std::string path_of(const MasterService& service)
    {
        return fmt::format("{}/{}", service.name, config::name(service.type));
    }

    // Prints the text once for each operand that asks for it.
    void add(const MasterService& service, std::string_view item, const std::string& text)
    {
        if (patterns_.empty())
            output_.text += text + "\n";
        for (std::size_t i = 0; i < patterns_.size(); ++i) {
            if (!patterns_[i].matches(service, item))
                continue;
            output_.text += text + "\n";
            matched_[i] = true;
        }
    }

    void add_service(const MasterService& service)
    {
        if (!options_.json) {
            add(service, "*",
                config::to_text(service, options_.fold ? config::Layout::Folded : config::Layout::OneLine));
            return;
        }
        const auto values = fields_of(service);
        const auto member = [&](std::size_t i) {
            return std::pair<std::string_view, std::string_view>(field_names[i], values[i]);
        };
        add(service, "*",
            json_object({member(0), member(1), member(2), member(3), member(4), member(5), member(6), member(7)}));
    }

    void add_fields(const MasterService& service)
    {
        const auto values = fields_of(service);
        for (std::size_t i = 0; i < field_names.size(); ++i) {
            std::string value = values[i];
            const std::string path = fmt::format("{}/{}", path_of(service), field_names[i]);
            if (i + 1 == field_names.size() && options_.fold)
                value = config::command_text(service, config::Layout::Folded,
                                             options_.hide_names ? 0 : path.size() + std::string_view(" = ").size());
            add(service, field_names[i], line(service, "field", field_names[i], value, Fold::No));
        }
    }

    Result<void> add_parameters(const MasterService& service)
    {
        std::map<std::string, std::string, std::less<>> values(service.overrides.rbegin(), service.overrides.rend());
        if (options_.unset_too) {
            for (const config::Declaration& declaration : config::declarations()) {
                if (values.contains(declaration.name) || !is_used_by(declaration, service.command))
                    continue;
                TRY(std::optional<std::string> value, config_.unexpanded(declaration.name));
                if (options_.expand && declaration.kind != config::Kind::Raw)
                    value = config_.expand(*value);
                values.emplace(declaration.name, value.value_or(""));
            }
        }
        for (const auto& [name, value] : values)
            add(service, name, line(service, "parameter", name, value, options_.fold ? Fold::Yes : Fold::No));
        return {};
    }

    static bool is_used_by(const config::Declaration& declaration, std::string_view program)
    {
        const auto users = split(declaration.used_by, " ");
        return std::ranges::find(users, program) != users.end();
    }

    std::string line(const MasterService& service, std::string_view kind, std::string_view item, std::string_view value,
                     Fold fold) const
    {
        if (options_.json)
            return json_object(
                {{"service", service.name}, {"type", config::name(service.type)}, {kind, item}, {"value", value}});
        std::string path = fmt::format("{}/{}", path_of(service), item);
        if (options_.hide_values)
            return path;
        if (kind == "field")  // laid out already
            return options_.hide_names ? std::string(value) : fmt::format("{} = {}", path, value);
        return laid_out(options_.hide_names ? "" : path, value, fold);
    }

    const Options& options_;
    const Config& config_;
    std::vector<Pattern> patterns_;
    std::vector<bool> matched_;
    Output output_;
};

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

bool Pattern::matches(const MasterService& candidate) const
{
    return (service == "*" || service == candidate.name) && (type == "*" || type == config::name(candidate.type));
}

bool Pattern::matches(const MasterService& candidate, std::string_view candidate_item) const
{
    return matches(candidate) && (item == "*" || item == candidate_item);
}

std::optional<Pattern> parse_pattern(Mode mode, std::string_view operand)
{
    const std::vector<std::string_view> parts = split(operand, "/");
    if (parts.empty() || parts.size() > (mode == Mode::Services ? 2U : 3U))
        return std::nullopt;
    Pattern pattern;
    pattern.service = parts[0];
    if (parts.size() > 1)
        pattern.type = parts[1];
    if (parts.size() > 2)
        pattern.item = parts[2];
    return pattern;
}

Result<void> check_field(const Pattern& pattern)
{
    if (pattern.item != "*" && std::ranges::find(field_names, pattern.item) == field_names.end())
        return fail(ErrorKind::Invalid, fmt::format("invalid service attribute name: \"{}\"", printable(pattern.item)));
    return {};
}

Result<Output> print_services(const Options& options)
{
    TRY(std::string directory, config::find_directory(options.config_directory));
    TRY(config::MasterCf master, config::load_master_cf(directory));
    TRY(std::shared_ptr<const Config> config, config::load({.config_directory = options.config_directory,
                                                            .overrides = options.overrides,
                                                            .process_name = "postconf",
                                                            .bad_values = config::BadValues::Collect}));
    TRY(Output output, ServicePrinter(options, *config).run(master));
    for (const config::Notice& notice : master.notices)
        output.warnings.push_back(fmt::format("{}: {}", notice.place.text(), notice.text));
    add_name_problems(config::NameCheck(*config, master.services), directory + "/master.cf", output);
    return output;
}

}  // namespace posthaste::command::postconf
