// Changing master.cf: a service that is changed is written anew, folded; all other lines stay as they are.
#include "command/postconf/services.h"

#include "base/text.h"
#include "config/edit.h"
#include "config/master_cf.h"

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
    return {Edit::Action::Set, std::move(key), config::to_text(service, config::Layout::Folded)};
}

// The one service that a line declares.
Result<MasterService> parse_line(const std::string& line)
{
    TRY(config::MasterCf parsed, config::parse_master_cf(line, "-e"));
    if (parsed.services.size() != 1)
        return fail(ErrorKind::Invalid, fmt::format("a service expected, not \"{}\"", printable(line)));
    return std::move(parsed.services.front());
}

// "service/type/name=value": path and value. Without -e there is no value.
struct Request {
    std::string path;
    std::string value;
};

Result<Request> parse_request(const Options& options, const std::string& operand, std::size_t parts)
{
    Request request{operand, ""};
    if (options.change == Change::Set) {
        TRY(config::Setting setting, config::parse_setting(operand));
        request = {std::move(setting.name), std::move(setting.value)};
    }
    if (static_cast<std::size_t>(std::ranges::count(request.path, '/')) + 1 != parts)
        return fail(ErrorKind::Invalid,
                    fmt::format("{} expected, not \"{}\"", parts == 2 ? "service_name/type" : "service_name/type/name",
                                printable(request.path)));
    return request;
}

Result<Edit> service_edit(const Options& options, const std::string& operand)
{
    TRY(Request request, parse_request(options, operand, 2));
    if (options.change == Change::Set) {
        TRY(MasterService service, parse_line(request.value));
        return rewritten(std::move(request.path), service);
    }
    const auto action = options.change == Change::Remove ? Edit::Action::Remove : Edit::Action::CommentOut;
    return Edit{action, std::move(request.path), ""};
}

// -Fe: another value for one field.
Result<MasterService> with_field(const MasterService& service, std::string_view field, const std::string& value)
{
    const auto* const it = std::ranges::find(field_names, field);
    if (it == field_names.end())
        return fail(ErrorKind::Invalid, fmt::format("invalid service attribute name: \"{}\"", printable(field)));
    auto fields = fields_of(service);
    fields[static_cast<std::size_t>(it - field_names.begin())] = value;
    return parse_line(fmt::format("{}", fmt::join(fields, " ")));
}

// -Pe, -PX: another value for one -o option, or none.
MasterService with_override(MasterService service, std::string_view name, const std::string* value)
{
    std::vector<std::string> arguments;
    bool set = false;
    bool options = true;
    for (std::size_t i = 0; i < service.arguments.size(); ++i) {
        std::string argument = service.arguments[i];
        if (options && !argument.starts_with('-')) {
            options = false;
            if (value != nullptr && !set)
                arguments.insert(arguments.end(), {"-o", fmt::format("{}={}", name, *value)});
            set = true;
        }
        if (!options || argument != "-o") {
            arguments.push_back(std::move(argument));
            continue;
        }
        std::string setting = service.arguments[++i];
        if (setting.substr(0, setting.find('=')) != name) {
            arguments.insert(arguments.end(), {"-o", std::move(setting)});
        } else if (value != nullptr && !set) {
            arguments.insert(arguments.end(), {"-o", fmt::format("{}={}", name, *value)});
            set = true;
        }
    }
    if (options && value != nullptr && !set)
        arguments.insert(arguments.end(), {"-o", fmt::format("{}={}", name, *value)});
    service.arguments = std::move(arguments);
    return service;
}

// Applies a -F or -P request to every service that it matches; what has changed is found by comparing afterwards.
Result<void> apply(const Options& options, const std::string& operand, std::vector<MasterService>& services,
                   Output& output)
{
    TRY(Request request, parse_request(options, operand, 3));
    const std::string_view path = request.path;
    const std::size_t last = path.rfind('/');
    bool matched = false;
    for (MasterService& service : services) {
        if (!matches(path.substr(0, last), path_of(service)))
            continue;
        matched = true;
        if (options.mode == Mode::Fields) {
            TRY(service, with_field(service, path.substr(last + 1), request.value));
        } else {
            service = with_override(std::move(service), path.substr(last + 1),
                                    options.change == Change::Set ? &request.value : nullptr);
        }
    }
    if (!matched)
        output.warnings.push_back(fmt::format("unmatched service_name/type: \"{}\"", operand));
    return {};
}

}  // namespace

Result<Output> change_services(const Options& options)
{
    if (options.mode == Mode::Fields && options.change != Change::Set)
        return fail(ErrorKind::Invalid, "with option -F, do not specify -X or -#");
    if (options.mode == Mode::ServiceParameters && options.change == Change::CommentOut)
        return fail(ErrorKind::Invalid, "with option -P, do not specify -#");
    TRY(std::string directory, config::find_directory(options.config_directory));
    std::vector<Edit> edits;
    Output output;
    if (options.mode == Mode::Services) {
        for (const std::string& operand : options.operands) {
            TRY(Edit edit, service_edit(options, operand));
            edits.push_back(std::move(edit));
        }
    } else {
        TRY(config::MasterCf master, config::load_master_cf(directory));
        std::vector<MasterService> services = master.services;
        for (const std::string& operand : options.operands)
            TRY(apply(options, operand, services, output));
        for (std::size_t i = 0; i < services.size(); ++i) {
            if (config::to_text(services[i], config::Layout::OneLine) !=
                config::to_text(master.services[i], config::Layout::OneLine))
                edits.push_back(rewritten(path_of(master.services[i]), services[i]));
        }
    }
    TRY(config::edit_file(directory + "/master.cf", config::Syntax::MasterCf, edits));
    return output;
}

}  // namespace posthaste::command::postconf
