// getopt(3) and the rules of which options go together.
#include "command/postconf/options.h"

#include "base/text.h"
#include "config/main_cf.h"

#include <algorithm>
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
        TRY(config::Setting setting, config::parse_setting(value));
        options.overrides.emplace_back(std::move(setting.name), std::move(setting.value));
        return {};
    }
    case 'a':
    case 'A':
    case 'j':
    case 'q':
    case 'T':
        return fail(ErrorKind::Unsupported,
                    fmt::format("option -{}: not yet implemented here (planned)", static_cast<char>(option)));
    default: return wrong(std::string(usage));
    }
}

Result<void> check_combination(const Options& options)
{
    if (options.defaults && options.only_set)
        return wrong("specify one of -d -n");
    if (options.hide_names && options.hide_values)
        return wrong("specify one of -h -H");
    if (options.change != Change::None && options.operands.empty())
        return wrong(options.change == Change::Set ? "-e requires name=value argument"
                                                   : "-X or -# requires a name argument");
    if (options.change != Change::None && (options.defaults || options.only_set || options.expand))
        return wrong("-e, -X and -# do not go together with -d, -n or -x");
    if (options.mode == Mode::Services && (options.hide_names || options.hide_values))
        return wrong(fmt::format("with option -M, do not specify -{}", options.hide_names ? 'h' : 'H'));
    if ((options.mode == Mode::Templates || options.mode == Mode::TemplateTexts) && options.operands.size() > 1)
        return wrong("options -b and -t require at most one template file");
    if (options.mode != Mode::Parameters && (options.defaults || options.only_set))
        return wrong("-d and -n are for main.cf parameters only");
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
    ::optind = 0;
    const int argc = static_cast<int>(arguments.size());
    std::set<int> template_options;
    for (int option = 0; (option = ::getopt(argc, argv.data(), "aAbc:C:deEfFhHjlmMno:pPqtT:vxX#")) != -1;) {
        TRY(take_option(option, ::optarg, options));
        if (option == 'b' || option == 't')
            template_options.insert(option);
    }
    if (template_options.size() > 1)
        return wrong("specify one of -b and -t");
    options.operands.assign(arguments.begin() + ::optind, arguments.end());
    // postconf(1): -e may be left out before name=value.
    const bool names_a_file = options.mode == Mode::Templates || options.mode == Mode::TemplateTexts;
    const auto is_setting = [](const std::string& operand) { return operand.find('=') != std::string::npos; };
    if (options.change == Change::None && !names_a_file && std::ranges::any_of(options.operands, is_setting))
        options.change = Change::Set;
    TRY(check_combination(options));
    return options;
}

}  // namespace posthaste::command::postconf
