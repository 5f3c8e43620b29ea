// Changing master.cf: a service that is changed is written anew, folded; all other lines stay as they are.
#include "base/text.h"
#include "command/postconf/services.h"
#include "config/edit.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace posthaste::command::postconf {
namespace {

using config::Edit;
using config::MasterService;

std::string path_of(const MasterService& service)
{
    return fmt::format("{}/{}", service.name, config::name(service.type));
}

Edit rewritten(std::string key, const MasterService& service)
{
    return {.action = Edit::Action::Set,
            .key = std::move(key),
            .text = config::to_text(service, config::Layout::Folded),
            .comments_first = false};
}

// "service/type/name=value": what it is about, and the value. Without -e there is no value.
struct Request {
    std::string path;
    std::string value;
};

Result<Request> parse_request(const Options& options, const std::string& operand)
{
    if (operand.contains('\n'))
        return fail(ErrorKind::Invalid, "-Me, -Fe, -Pe, -X, or -# accept no multi-line input");
    if (options.change != Change::Set)
        return Request{operand, ""};
    TRY(config::Setting setting, config::parse_setting(operand));
    return Request{std::move(setting.name), std::move(setting.value)};
}

// One service more, one less, or another one in its place.
Result<Edit> service_edit(const Options& options, const std::string& operand)
{
    TRY(Request request, parse_request(options, operand));
    if (std::ranges::count(request.path, '/') != 1)
        return fail(ErrorKind::Invalid, "-Me, -MX or -M# requires service_name/type");
    if (options.change == Change::Remove)
        return Edit{.action = Edit::Action::Remove, .key = std::move(request.path)};
    if (options.change == Change::CommentOut)
        return Edit{.action = Edit::Action::CommentOut, .key = std::move(request.path)};
    if (split(request.value, " \t").size() < field_names.size())
        return fail(ErrorKind::Invalid, fmt::format("bad field count: \"{}\"", printable(operand)));
    TRY(MasterService service, config::parse_service(request.value));
    return rewritten(std::move(request.path), service);
}

// -Fe: another value for one field.
Result<MasterService> with_field(const MasterService& service, std::string_view field, const std::string& value)
{
    auto fields = fields_of(service);
    fields[static_cast<std::size_t>(std::ranges::find(field_names, field) - field_names.begin())] = value;
    return config::parse_service(fmt::format("{}", fmt::join(fields, " ")));
}

// -Pe, -PX: another value for one -o option, or none.
MasterService with_override(MasterService service, std::string_view name, const std::string* value)
{
    std::vector<std::string> arguments;
    bool set = false;
    bool options = true;
    const auto add = [&] {
        if (value != nullptr && !set)
            arguments.insert(arguments.end(), {"-o", fmt::format("{}={}", name, *value)});
        set = true;
    };
    for (std::size_t i = 0; i < service.arguments.size(); ++i) {
        std::string argument = service.arguments[i];
        if (options && !argument.starts_with('-')) {
            options = false;
            add();
        }
        if (!options || argument != "-o") {
            arguments.push_back(std::move(argument));
            continue;
        }
        std::string setting = service.arguments[++i];
        if (setting.substr(0, setting.find('=')) == name)
            add();
        else
            arguments.insert(arguments.end(), {"-o", std::move(setting)});
    }
    if (options)
        add();
    service.arguments = std::move(arguments);
    return service;
}

Result<Pattern> parse_item(const Options& options, const Request& request)
{
    const bool fields = options.mode == Mode::Fields;
    std::optional<Pattern> pattern = parse_pattern(options.mode, request.path);
    if (!pattern || std::ranges::count(request.path, '/') != 2)
        return fail(ErrorKind::Invalid, fields ? "-Fe or -FX requires service_name/type/field_name"
                                               : "-Pe or -PX requires service_name/type/parameter");
    if (pattern->item == "*")
        return fail(ErrorKind::Invalid, fmt::format("-{}e does not accept wild-card {} name", fields ? 'F' : 'P',
                                                    fields ? "field" : "parameter"));
    if (fields) {
        TRY(check_field(*pattern));
        if (pattern->item != "command" && request.value.find_first_of(" \t") != std::string::npos)
            return fail(ErrorKind::Invalid, "-Fe does not accept whitespace in non-command field");
    }
    return std::move(*pattern);
}

// A service of master.cf as it was and as it becomes. What a request matches is written anew, changed or not.
struct Rewrite {
    std::string key;
    MasterService service;
    bool matched = false;
};

// Applies a -F or -P request to every service that it matches.
Result<void> apply(const Options& options, const std::string& operand, std::vector<Rewrite>& rewrites, Output& output)
{
    TRY(Request request, parse_request(options, operand));
    TRY(Pattern pattern, parse_item(options, request));
    bool matched = false;
    for (Rewrite& rewrite : rewrites) {
        if (!pattern.matches(rewrite.service))
            continue;
        matched = rewrite.matched = true;
        if (options.mode == Mode::Fields) {
            TRY(rewrite.service, with_field(rewrite.service, pattern.item, request.value));
        } else {
            rewrite.service = with_override(std::move(rewrite.service), pattern.item,
                                            options.change == Change::Set ? &request.value : nullptr);
        }
    }
    if (!matched)
        output.warnings.push_back(fmt::format("unmatched service_name/type: \"{}\"", operand));
    return {};
}

Result<std::vector<Edit>> rewrite_items(const Options& options, const std::string& directory, Output& output)
{
    TRY(config::MasterCf master, config::load_master_cf(directory));
    std::vector<Rewrite> rewrites;
    for (MasterService& service : master.services) {
        std::string key = path_of(service);
        rewrites.push_back({std::move(key), std::move(service)});
    }
    for (const std::string& operand : options.operands)
        TRY(apply(options, operand, rewrites, output));
    std::vector<Edit> edits;
    for (const Rewrite& rewrite : rewrites) {
        if (!rewrite.matched)
            continue;
        edits.push_back(rewritten(rewrite.key, rewrite.service));
        edits.back().comments_first = true;
    }
    return edits;
}

}  // namespace

Result<Output> change_services(const Options& options)
{
    TRY(std::string directory, config::find_directory(options.config_directory));
    std::vector<Edit> edits;
    Output output;
    if (options.mode == Mode::Services) {
        for (const std::string& operand : options.operands) {
            TRY(Edit edit, service_edit(options, operand));
            edits.push_back(std::move(edit));
        }
    } else {
        TRY(edits, rewrite_items(options, directory, output));
    }
    TRY(config::edit_file(directory + "/master.cf", config::Syntax::MasterCf, edits));
    return output;
}

}  // namespace posthaste::command::postconf
