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
        if (!config_.raw(name) && !config::find_declaration(name) && family_of(name) == nullptr &&
            !old_name_in_use(name)) {
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
            note_undefined(value);
            Result<std::string> expanded = config_.try_expand(value);
            if (!expanded)
                return fail(std::move(expanded).error().in(name));
            value = std::move(*expanded);
        }
        const Fold fold = options_.fold ? Fold::Yes : Fold::No;
        output_.text += options_.hide_values ? name : laid_out(options_.hide_names ? "" : name, value, fold);
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

    void note_undefined(std::string_view text)
    {
        config::for_each_name(text, [this](std::string_view name) {
            const auto known = config_.unexpanded(name);
            if (known && !*known && family_of(std::string(name)) == nullptr && !old_name_in_use(name))
                warn(fmt::format("{}/main.cf: undefined parameter: {}", config_.directory(), name));
        });
    }

    void add_problems()
    {
        for (const config::Notice& notice : config_.notices())
            warn(fmt::format("{}: {}", notice.place.text(), notice.text));
        for (const config::Notice& problem : config_.problems())
            warn(fmt::format("{}: {}", problem.place.text(), problem.text));
        for (const config::NameProblem& problem : names_.problems()) {
            const std::string& file = problem.setting.place.file;
            warn(fmt::format("{}: {}", file.starts_with('-') ? config_.directory() + "/main.cf" : file, problem.text));
        }
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

Result<void> change_parameters(const Options& options)
{
    std::vector<config::Edit> edits;
    for (const std::string& operand : options.operands) {
        if (operand.find('\n') != std::string::npos)
            return fail(ErrorKind::Invalid, "-e, -X, or -# accepts no multi-line input");
        if (options.change == Change::Set) {
            TRY(config::Setting setting, config::parse_setting(operand));
            edits.push_back(config::set_parameter(std::move(setting.name), setting.value));
            continue;
        }
        if (operand.find('=') != std::string::npos)
            return fail(ErrorKind::Invalid, "-X and -# take names without a value");
        const auto action =
            options.change == Change::Remove ? config::Edit::Action::Remove : config::Edit::Action::CommentOut;
        edits.push_back({action, std::string(trim(operand)), ""});
    }
    TRY(std::string directory, config::find_directory(options.config_directory));
    return config::edit_file(directory + "/main.cf", config::Syntax::MainCf, edits);
}

}  // namespace posthaste::command::postconf
