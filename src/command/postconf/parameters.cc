// Printing: built-in, service and user-defined parameters, set or by default, with or without expansion.
#include "command/postconf/parameters.h"

#include "base/text.h"
#include "command/postconf/layout.h"
#include "config/edit.h"
#include "param/basics.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace posthaste::command::postconf {
namespace {

using config::Config;
using config::NameClass;

struct Entry {
    std::string name;
    std::string text;  // unexpanded
    bool raw = false;  // -x leaves it alone
};

// Life time: one print. Knows the snapshot, the services and which names exist.
class Printer {
public:
    Printer(const Options& options, const Config& config, const std::vector<config::MasterService>& services)
        : options_(options), config_(config), names_(config, services), services_(names_.service_parameters())
    {
    }

    Result<Output> run()
    {
        if (options_.operands.empty()) {
            for (const std::string& name : all_names())
                TRY(print(name));
        }
        for (const std::string& name : options_.operands)
            TRY(print_named(name));
        if (!options_.defaults)
            add_problems();
        return std::move(output_);
    }

private:
    std::set<std::string> all_names() const
    {
        std::set<std::string> names;
        if (options_.classes.contains(Class::Builtin)) {
            for (const config::Declaration& declaration : config::declarations()) {
                if (declaration.function != config::DefaultFunction::ProcessId)  // differs with every run
                    names.emplace(declaration.name);
            }
        }
        if (options_.classes.contains(Class::Service)) {
            for (const auto& parameter : services_)
                names.insert(parameter.name);
        }
        if (options_.defaults)
            return names;
        for (const config::Setting& setting : config_.settings()) {
            const NameClass name_class = names_.classify(setting.name);
            if ((name_class == NameClass::Planned && options_.classes.contains(Class::Builtin)) ||
                (name_class == NameClass::UserDefined && options_.classes.contains(Class::User)))
                names.insert(setting.name);
        }
        return names;
    }

    Result<void> print_named(const std::string& name)
    {
        const bool is_set = config_.raw(name) && names_.classify(name) != NameClass::Unknown;
        if (!is_set && !config::find_declaration(name) && family_of(name) == nullptr && !old_name_in_use(name)) {
            warn(fmt::format("{}: unknown parameter", name));
            return {};
        }
        return print(name);
    }

    Result<void> print(const std::string& name)
    {
        TRY(std::optional<Entry> entry, entry_of(name));
        if (!entry)
            return {};
        std::string value = std::move(entry->text);
        if (options_.expand && !entry->raw) {
            Result<std::string> expanded = config_.try_expand(value);
            if (!expanded)
                return fail(std::move(expanded).error().in(name));
            value = std::move(*expanded);
        }
        if (options_.json)
            output_.text += json_object({{"name", name}, {"value", laid_out("", value, Fold::No)}});
        else if (options_.hide_values)
            output_.text += name;
        else
            output_.text += laid_out(options_.hide_names ? "" : name, value, options_.fold ? Fold::Yes : Fold::No);
        output_.text += '\n';
        return {};
    }

    // Nothing if -n is given and the name is not set.
    Result<std::optional<Entry>> entry_of(const std::string& name) const
    {
        const auto slot = config::find_declaration(name);
        Entry entry{.name = name, .raw = slot && config::declarations()[*slot].kind == config::Kind::Raw};
        const bool read_only = slot && config::declarations()[*slot].read_only;
        const std::optional<std::string> set = options_.defaults || read_only ? std::nullopt : config_.raw(name);
        if (!set && options_.only_set)
            return std::nullopt;
        if (set)
            entry.text = *set;
        else if (slot)
            entry.text = config_.default_of(*slot);
        else if (const auto* family = family_of(name))
            entry.text = fmt::format("${}", config::families()[family->family].fallback);
        else if (!old_name_in_use(name))
            return std::nullopt;
        return entry;
    }

    // Such a name is defined, and empty, without being set.
    static bool old_name_in_use(std::string_view name)
    {
        const config::OldName* old = config::find_old_name(name);
        return old != nullptr && old->reason.empty();
    }

    const config::NameCheck::ServiceParameter* family_of(const std::string& name) const
    {
        const auto it = std::ranges::find(services_, name, &config::NameCheck::ServiceParameter::name);
        return it == services_.end() ? nullptr : &*it;
    }

    void add_problems()
    {
        for (const config::Notice& notice : config_.notices())
            warn(fmt::format("{}: {}", notice.place.text(), notice.text));
        for (const config::Notice& problem : config_.problems()) {
            if (problem.place.line != 0)  // a default is wrong only because a setting is that it refers to
                warn(fmt::format("{}: {}", problem.place.text(), problem.text));
        }
        for (const config::UndefinedName& undefined : names_.undefined_names())
            warn(fmt::format("{}: undefined parameter: {}", file_of(undefined.place), undefined.name));
        for (const config::NameProblem& problem : names_.problems())
            warn(fmt::format("{}: {}", file_of(problem.setting.place), problem.text));
    }

    // The options of the command line count as part of main.cf.
    std::string file_of(const config::Place& place) const
    {
        return place.file.starts_with('-') ? config_.directory() + "/main.cf" : place.file;
    }

    void warn(std::string text)
    {
        if (warned_.insert(text).second)
            output_.warnings.push_back(std::move(text));
    }

    const Options& options_;
    const Config& config_;
    config::NameCheck names_;
    std::vector<config::NameCheck::ServiceParameter> services_;
    Output output_;
    std::set<std::string> warned_;
};

Result<std::shared_ptr<const Config>> load_for(const Options& options)
{
    config::LoadOptions load{.config_directory = options.config_directory,
                             .overrides = options.overrides,
                             .process_name = "postconf",
                             .bad_values = config::BadValues::Collect};
    if (!options.defaults)
        return config::load(std::move(load));
    load.overrides.clear();
    load.config_directory.clear();
    return config::load_text("", "main.cf", std::move(load));
}

// What an operand of -e, -X, -# asks for.
Result<config::Edit> edit_of(const Options& options, const std::string& operand)
{
    if (operand.contains('\n'))
        return fail(ErrorKind::Invalid, "-e, -X, or -# accepts no multi-line input");
    if (trim(operand).starts_with('#'))
        return fail(ErrorKind::Invalid, "-e, -X, or -# accepts no comment input");
    if (options.change == Change::Set) {
        TRY(config::Setting setting, config::parse_setting(operand));
        return config::set_parameter(std::move(setting.name), setting.value);
    }
    if (trim(operand).empty())
        return fail(ErrorKind::Invalid, "-X or -# requires non-blank parameter names");
    if (operand.contains('='))
        return fail(ErrorKind::Invalid, "-X and -# take names without a value");
    using Action = config::Edit::Action;
    return config::Edit{options.change == Change::Remove ? Action::Remove : Action::CommentOut, operand, ""};
}

}  // namespace

Result<Output> print_parameters(const Options& options)
{
    TRY(std::shared_ptr<const Config> config, load_for(options));
    std::vector<std::string> warnings;
    config::MasterCf master;
    TRY(std::string directory, config::find_directory(options.config_directory));
    if (Result<config::MasterCf> read = config::load_master_cf(directory))
        master = std::move(*read);
    else
        warnings.push_back(read.error().text());
    TRY(Output output, Printer(options, *config, master.services).run());
    output.warnings.insert(output.warnings.begin(), warnings.begin(), warnings.end());
    return output;
}

Result<Output> change_parameters(const Options& options)
{
    std::vector<config::Edit> edits;
    Output output;
    for (const std::string& operand : options.operands) {
        TRY(config::Edit edit, edit_of(options, operand));
        const auto earlier = std::ranges::find(edits, edit.key, &config::Edit::key);
        if (earlier != edits.end()) {
            if (earlier->action == config::Edit::Action::Set)
                output.warnings.push_back(fmt::format("ignoring earlier request: '{}'", earlier->text));
            edits.erase(earlier);
        }
        edits.push_back(std::move(edit));
    }
    TRY(std::string directory, config::find_directory(options.config_directory));
    const std::string file = directory + "/main.cf";
    TRY(std::vector<std::string> repeated, config::edit_file(file, config::Syntax::MainCf, edits));
    for (const std::string& name : repeated)
        output.warnings.push_back(fmt::format("{}: multiple entries for \"{}\"", file, name));
    return output;
}

}  // namespace posthaste::command::postconf
