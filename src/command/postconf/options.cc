// getopt(3) and the rules of which options go together.
#include "command/postconf/options.h"

#include "base/text.h"
#include "config/main_cf.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <unistd.h>

namespace posthaste::command::postconf {
namespace {

constexpr std::string_view usage =
    "usage: postconf [-a (server SASL types)] [-A (client SASL types)] [-b (bounce templates)] [-c config_dir] "
    "[-c param_class] [-d (parameter defaults)] [-e (edit configuration)] [-f (fold lines)] [-F (master.cf fields)] "
    "[-h (no names)] [-H (no values)] [-l (lock types)] [-m (map types)] [-M (master.cf)] "
    "[-n (non-default parameters)] [-o name=value (override parameter value)] [-p (main.cf, default)] "
    "[-P (master.cf parameters)] [-t (bounce templates)] "
    "[-T compile-version|run-version|public-key-algorithms] [-v (verbose)] [-x (expand parameter values)] "
    "[-X (exclude)] [-# (comment-out)] [name...]";

// Options that do not go together, in the order in which they are named.
constexpr std::string_view naming_order = "aAbdefFhHjlmMnopPqtTxX#";
constexpr std::string_view mode_options = "aAbFlmMpPtT";
struct Conflict {
    std::string_view options;
    std::string_view others;
};
constexpr std::array conflicts{
    Conflict{mode_options, mode_options}, Conflict{"dn", "dneX#"}, Conflict{"eX#", "eX#"},
    Conflict{"eX#", "fhHjoqx"},           Conflict{"d", "o"},      Conflict{"hH", "hHj"},
};

// What a mode allows. -c, -C and -v go with all of them.
struct Allowed {
    char mode;
    std::string_view options;
};
constexpr std::array allowed_options{Allowed{'M', "efjoqxX#"}, Allowed{'F', "efhHjoqx"}, Allowed{'P', "efhHjoqxX"}};
constexpr std::string_view main_cf_options = "defhHjnoqxX#";

std::unexpected<Error> wrong(std::string text) { return fail(ErrorKind::Invalid, std::move(text)); }

Result<std::set<Class>> parse_classes(std::string_view text)
{
    std::set<Class> classes;
    for (const std::string_view word : split(text, ", ")) {
        if (word == "builtin")
            classes.insert(Class::Builtin);
        else if (word == "service")
            classes.insert(Class::Service);
        else if (word == "user")
            classes.insert(Class::User);
        else if (word == "all")
            classes = {Class::Builtin, Class::Service, Class::User};
        else
            return wrong(fmt::format("unknown -C option value \"{}\" in \"{}\"", word, text));
    }
    return classes;
}

// Sets the mode that the option stands for; false if it stands for none.
bool take_mode(int option, Options& options)
{
    switch (option) {
    case 'F': options.mode = Mode::Fields; return true;
    case 'l': options.mode = Mode::LockTypes; return true;
    case 'm': options.mode = Mode::TableTypes; return true;
    case 'M': options.mode = Mode::Services; return true;
    case 'p': options.mode = Mode::Parameters; return true;
    case 'P': options.mode = Mode::ServiceParameters; return true;
    case 't': options.mode = Mode::Templates; return true;
    case 'b': options.mode = Mode::TemplateTexts; return true;
    case 'a': options.mode = Mode::ServerLoginTypes; return true;
    case 'A': options.mode = Mode::ClientLoginTypes; return true;
    default: return false;
    }
}

// Sets the switch that the option stands for; false if it stands for none.
bool take_switch(int option, Options& options)
{
    switch (option) {
    case 'd': options.defaults = true; return true;
    case 'e': options.change = Change::Set; return true;
    case 'f': options.fold = true; return true;
    case 'h': options.hide_names = true; return true;
    case 'H': options.hide_values = true; return true;
    case 'j': options.json = true; return true;
    case 'q': options.quiet = true; return true;
    case 'n': options.only_set = true; return true;
    case 'x': options.expand = true; return true;
    case 'X': options.change = Change::Remove; return true;
    case '#': options.change = Change::CommentOut; return true;
    case 'v': return true;
    default: return false;
    }
}

Result<void> take_option(int option, const char* value, Options& options)
{
    if (take_mode(option, options) || take_switch(option, options))
        return {};
    switch (option) {
    case 'c': options.config_directory = value; return {};
    case 'C': {
        TRY(options.classes, parse_classes(value));
        return {};
    }
    case 'o': {
        const Result<config::Setting> setting = config::parse_setting(value);
        if (!setting) {
            const bool no_equals = !std::string_view(value).contains('=');
            return wrong(fmt::format("invalid parameter override: {}: missing {}", value,
                                     no_equals ? "'=' after attribute name" : "attribute name"));
        }
        options.overrides.emplace_back(setting->name, setting->value);
        return {};
    }
    case 'T':
        options.mode = Mode::TlsFeature;
        options.tls_feature = value;
        return {};
    default: return wrong(std::string(usage));
    }
}

// The first two of the given options that do not go together.
Result<void> check_conflicts(std::string_view given)
{
    for (const Conflict& conflict : conflicts) {
        std::string found;
        for (const char option : naming_order) {
            const bool is_one = conflict.options.contains(option) || conflict.others.contains(option);
            if (given.contains(option) && is_one)
                found += option;
        }
        for (std::size_t i = 0; i < found.size(); ++i) {
            for (std::size_t j = i + 1; j < found.size(); ++j) {
                if ((conflict.options.contains(found[i]) && conflict.others.contains(found[j])) ||
                    (conflict.options.contains(found[j]) && conflict.others.contains(found[i])))
                    return wrong(
                        fmt::format("specify one of -{} {}-{}", found[i], found == "bt" ? "and " : "", found[j]));
            }
        }
    }
    return {};
}

Result<void> check_mode(std::string_view given)
{
    for (const char mode : mode_options) {
        if (!given.contains(mode) || mode == 'p')
            continue;
        const auto* const entry = std::ranges::find(allowed_options, mode, &Allowed::mode);
        const std::string_view allowed = entry == allowed_options.end() ? std::string_view() : entry->options;
        for (const char option : naming_order) {
            if (given.contains(option) && main_cf_options.contains(option) && !allowed.contains(option))
                return wrong(fmt::format("with option -{}, do not specify -{}", mode, option));
        }
    }
    return {};
}

Result<void> check_operands(const Options& options)
{
    if (options.change != Change::None && options.operands.empty())
        return wrong(options.change == Change::Set ? "-e requires name=value argument" : "missing service argument");
    if ((options.mode == Mode::Templates || options.mode == Mode::TemplateTexts) && options.operands.size() > 1)
        return wrong("options -b and -t require at most one template file");
    return {};
}

}  // namespace

Result<Options> parse_options(std::vector<std::string> arguments)
{
    if (!arguments.empty())
        arguments.front() = "postconf";  // getopt(3) begins its messages with it
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (std::string& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    Options options;
    std::string given;
    ::optind = 0;
    const int argc = static_cast<int>(arguments.size());
    for (int option = 0; (option = ::getopt(argc, argv.data(), "+aAbc:C:defFhHjlmMno:pPqtT:vxX#")) != -1;) {
        TRY(take_option(option, ::optarg, options));
        options.unset_too = options.unset_too || (option == 'P' && given.contains('P'));
        given += static_cast<char>(option);
    }
    options.operands.assign(arguments.begin() + ::optind, arguments.end());
    // postconf(1): -e may be left out before name=value.
    const bool edits = options.mode == Mode::Parameters || options.mode == Mode::Services ||
                       options.mode == Mode::Fields || options.mode == Mode::ServiceParameters;
    if (edits && !options.operands.empty() && options.operands.front().contains('=')) {
        given += 'e';
        if (options.change == Change::None)
            options.change = Change::Set;
    }
    TRY(check_conflicts(given));
    TRY(check_mode(given));
    TRY(check_operands(options));
    return options;
}

}  // namespace posthaste::command::postconf
