// Making a snapshot: find the directory, read main.cf, lay the overrides over it, compute the defaults that depend on
// the machine, evaluate every declared parameter, and do the same once more with stress=yes.
#include "config/config.h"

#include "base/fd.h"
#include "base/text.h"
#include "config/listed_directory.h"
#include "config/local_networks.h"
#include "config/service_config.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/auxv.h>
#include <unistd.h>

namespace posthaste::config {
namespace {

std::string_view default_directory() { return declarations()[*find_declaration("config_directory")].default_text; }

Result<void> check_permitted(const std::string& directory)
{
    if (::getauxval(AT_SECURE) == 0 || ::getuid() == 0 || directory == default_directory())
        return {};
    const std::string file = fmt::format("{}/main.cf", default_directory());
    TRY(std::string content, read_file(file, max_file_size));
    return check_listed(directory, content, file);
}

std::string system_hostname()
{
    std::array<char, HOST_NAME_MAX + 1> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0')
        return "localhost";
    return name.data();
}

std::string parent_domain(std::string_view hostname)
{
    const std::size_t dot = hostname.find('.');
    return dot == std::string_view::npos || dot + 1 == hostname.size() ? "localdomain"
                                                                       : std::string(hostname.substr(dot + 1));
}

}  // namespace

// Life time: one load. The only one that writes to a Config.
class Loader {
public:
    Loader(LoadOptions options, std::string directory) : options_(std::move(options)), directory_(std::move(directory))
    {
    }

    Result<std::shared_ptr<const Config>> run(MainCf main_cf)
    {
        if (directory_ != default_directory())
            main_cf.settings.push_back({"config_directory", directory_, {"-c", 0}});
        for (const auto& [name, value] : options_.overrides)
            main_cf.settings.push_back({name, std::string(trim(value)), {"-o", 0}});
        TRY(std::shared_ptr<Config> normal, snapshot(main_cf));
        main_cf.settings.push_back({"stress", "yes", {"stress", 0}});
        TRY(normal->stressed_, snapshot(main_cf));
        return normal;
    }

private:
    Result<std::shared_ptr<Config>> snapshot(const MainCf& main_cf)
    {
        auto made = std::make_shared<Config>();
        Config& config = *made;
        config.directory_ = directory_;
        config.process_name_ = options_.process_name;
        config.service_name_ = options_.service_name;
        config.settings_ = main_cf.settings;
        config.notices_ = main_cf.notices;
        for (std::size_t i = 0; i < config.settings_.size(); ++i)
            config.by_name_[config.settings_[i].name] = i;
        TRY(read_file_values(config));
        TRY(check_level(config));
        TRY(compute_defaults(config));
        config.values_.resize(declarations().size());
        // What main.cf sets comes first: an error is reported where it was made, not where it is felt.
        for (const bool is_set : {true, false}) {
            for (std::size_t slot = 0; slot < declarations().size(); ++slot) {
                if ((config.find(declarations()[slot].name) != nullptr) == is_set)
                    TRY(evaluate(config, slot));
            }
        }
        return made;
    }

    // postconf(5) myorigin: a value that begins with / is a file, and its first line the value. The files are read now:
    // a process in a jail could not open them when it expands $myorigin.
    Result<void> read_file_values(Config& config) const
    {
        for (const Declaration& declaration : declarations()) {
            const Setting* setting = declaration.file_value ? config.find(declaration.name) : nullptr;
            if (setting == nullptr || !setting->value.starts_with('/'))
                continue;
            Result<std::string> content = read_file(setting->value, max_file_size);
            if (content) {
                config.file_values_[setting->value] = trim(std::string_view(*content).substr(0, content->find('\n')));
                continue;
            }
            const std::string text = fmt::format("{}: {}", declaration.name, content.error().text());
            if (options_.bad_values == BadValues::Refuse)
                return fail(
                    std::move(content).error().in(fmt::format("{}: {}", setting->place.text(), declaration.name)));
            config.problems_.push_back({setting->place, text});
        }
        return {};
    }

    // postconf(5) compatibility_level: many defaults are another at a level that is none; one error is enough.
    Result<void> check_level(Config& config)
    {
        const Setting* setting = config.find("compatibility_level");
        if (setting == nullptr)
            return {};
        const Result<std::string> level = config.try_expand("$compatibility_level");
        level_is_bad_ = !level || !compare_levels(*level, *level);
        if (!level_is_bad_)
            return {};
        const std::string text =
            fmt::format("compatibility_level: malformed compatibility level syntax: \"{}\"", printable(setting->value));
        if (options_.bad_values == BadValues::Refuse)
            return fail(ErrorKind::Invalid, fmt::format("{}: {}", setting->place.text(), text));
        config.problems_.push_back({setting->place, text});
        return {};
    }

    // The values of DefaultFunction. Each is first given a value that needs no other, so that settings may refer to
    // one another in any order (myhostname = mail.$mydomain).
    Result<void> compute_defaults(Config& config) const
    {
        const std::string system_name = system_hostname();
        const bool qualified = system_name.find('.') != std::string::npos;
        std::string& hostname = config.computed_[DefaultFunction::Hostname];
        std::string& domain = config.computed_[DefaultFunction::Domain];
        config.computed_[DefaultFunction::ProcessId] = std::to_string(::getpid());
        config.computed_[DefaultFunction::ProcessName] = options_.process_name;
        config.computed_[DefaultFunction::ServiceName] = options_.service_name;
        domain = parent_domain(system_name);
        hostname = qualified ? system_name : fmt::format("{}.{}", system_name, domain);
        if (!qualified && config.find("mydomain") != nullptr)
            hostname = fmt::format("{}.{}", system_name, config.expand("$mydomain"));
        domain = parent_domain(config.expand("$myhostname"));
        if (config.find("mynetworks") != nullptr)
            return {};
        TRY(std::string style, config.try_expand("$mynetworks_style"));
        TRY(std::string interfaces, config.try_expand("$inet_interfaces"));
        TRY(std::string protocols, config.try_expand("$inet_protocols"));
        config.computed_[DefaultFunction::Networks] =
            local_networks({to_lower(style), interfaces, to_lower(protocols)});
        return {};
    }

    // The expanded text of a parameter. Most are not set, and most defaults have nothing to expand.
    static Result<std::string> text_of(const Config& config, std::size_t slot)
    {
        const Declaration& declaration = declarations()[slot];
        if (config.find(declaration.name) == nullptr) {
            std::string text = config.default_of(slot);
            if (text.find('$') == std::string::npos)
                return text;
        }
        TRY(std::optional<std::string> text, config.value_of(declaration.name));
        return std::move(*text);
    }

    Result<void> evaluate(Config& config, std::size_t slot) const
    {
        const Declaration& declaration = declarations()[slot];
        const auto convert = [&](Result<std::string> text) {
            return text ? Config::converted(std::move(*text), declaration)
                        : Result<Config::Value>(std::unexpected(std::move(text).error()));
        };
        Result<Config::Value> value = convert(text_of(config, slot));
        if (value) {
            config.values_[slot] = std::move(*value);
            return {};
        }
        const Setting* setting = config.find(declaration.name);
        const Place place = setting != nullptr ? setting->place : Place{"default", 0};
        if (options_.bad_values == BadValues::Refuse)
            return fail(std::move(value).error().in(fmt::format("{}: {}", place.text(), declaration.name)));
        if (setting != nullptr || !level_is_bad_)
            config.problems_.push_back({place, fmt::format("{}: {}", declaration.name, value.error().text())});
        if (Result<Config::Value> fallback = convert(config.try_expand(config.default_of(slot))))
            config.values_[slot] = std::move(*fallback);
        return {};
    }

    LoadOptions options_;
    std::string directory_;
    bool level_is_bad_ = false;
};

Result<std::string> find_directory(const std::string& config_directory)
{
    std::string directory = config_directory;
    if (const char* environment = std::getenv("MAIL_CONFIG"); directory.empty() && environment != nullptr)
        directory = environment;
    if (directory.empty())
        directory = default_directory();
    while (directory.size() > 1 && directory.ends_with('/'))
        directory.pop_back();
    TRY(check_permitted(directory));
    return directory;
}

Result<std::shared_ptr<const Config>> load(LoadOptions options)
{
    TRY(std::string directory, find_directory(options.config_directory));
    TRY(MainCf main_cf, load_main_cf(directory));
    return Loader(std::move(options), std::move(directory)).run(std::move(main_cf));
}

Result<std::shared_ptr<const Config>> load_what_can_be_read(LoadOptions options)
{
    options.bad_values = BadValues::Collect;
    TRY(std::string directory, find_directory(options.config_directory));
    TRY(MainCfLines lines, load_main_cf_lines(directory));
    return Loader(std::move(options), std::move(directory)).run(std::move(lines.good));
}

Result<std::shared_ptr<const Config>> load_again(const Config& config, LoadOptions options)
{
    MainCf main_cf{.settings = config.settings(), .notices = config.notices()};
    std::erase_if(main_cf.settings,
                  [](const Setting& setting) { return setting.place.line == 0; });  // of the command line
    std::string directory = config.directory();
    return Loader(std::move(options), std::move(directory)).run(std::move(main_cf));
}

Result<std::shared_ptr<const Config>> load_text(std::string_view main_cf, const std::string& file, LoadOptions options)
{
    TRY(MainCf parsed, parse_main_cf(main_cf, file));
    std::string directory =
        options.config_directory.empty() ? std::string(default_directory()) : options.config_directory;
    return Loader(std::move(options), std::move(directory)).run(std::move(parsed));
}

}  // namespace posthaste::config
