// postconf(1): prints and changes main.cf and master.cf.
#include "command/postconf/explain.h"
#include "command/postconf/services.h"
#include "command/postconf/templates.h"
#include "config/config.h"
#include "log/log.h"
#include "table/settings.h"
#include "table/table.h"

#include <cerrno>
#include <cstdio>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <string_view>

namespace {

using namespace posthaste;
using namespace posthaste::command::postconf;

// Those with a module exist where the module is, which main.cf says.
Result<Output> print_table_types(const Options& options)
{
    TRY(auto config, config::load({.config_directory = options.config_directory,
                                   .process_name = "postconf",
                                   .bad_values = config::BadValues::Collect}));
    table::use_main_cf(std::move(config), table::ProxyUser::Itself);
    return Output{.text = fmt::format("{}\n", fmt::join(table::types(), "\n"))};
}

Result<Output> perform(const Options& options)
{
    if (options.mode == Mode::LockTypes)
        return Output{.text = "flock\nfcntl\ndotlock\n"};
    if (options.mode == Mode::TableTypes)
        return print_table_types(options);
    // What a build without SASL and TLS says (postconf(1)).
    if (options.mode == Mode::ServerLoginTypes || options.mode == Mode::ClientLoginTypes ||
        options.mode == Mode::TlsFeature)
        return Output{};
    if (options.mode == Mode::Templates || options.mode == Mode::TemplateTexts)
        return print_templates(options);
    if (options.mode != Mode::Parameters)
        return options.change == Change::None ? print_services(options) : change_services(options);
    if (options.change == Change::None)
        return print_parameters(options);
    return change_parameters(options);
}

// postconf(1) -T
bool is_tls_feature(std::string_view word)
{
    return word == "compile-version" || word == "run-version" || word == "public-key-algorithms";
}

int fatal(const Error& error)
{
    fmt::print(stderr, "postconf: fatal: {}\n", error.text());
    return 1;
}

// postconf explain: the rest of the command line has options of its own.
bool asks_for_explanation(const Options& options)
{
    return options.mode == Mode::Parameters && options.change == Change::None && !options.operands.empty() &&
           options.operands.front() == "explain";
}

int explain_address(const Options& options)
{
    // What is wrong with tables stands in the answer.
    log::init({.program = "postconf", .to_stderr = false, .to_log = false});
    auto question = parse_question(options.config_directory, {options.operands.begin() + 1, options.operands.end()});
    if (!question)
        return fatal(question.error());
    auto explanation = explain(std::move(*question));
    if (!explanation)
        return fatal(explanation.error());
    const std::string text = explanation->question.json ? to_json(*explanation) : to_text(*explanation);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        return fatal(Error::system(errno, "write to standard output"));
    return exit_status(*explanation);
}

}  // namespace

int main(int argc, char** argv)
{
    const Result<Options> options = parse_options({argv, argv + argc});
    if (!options)
        return fatal(options.error());
    if (asks_for_explanation(*options))
        return explain_address(*options);
    if (options->mode == Mode::TlsFeature && !is_tls_feature(options->tls_feature)) {
        fmt::print(stderr, "postconf: warning: unknown 'postconf -T' mode: {}\n", options->tls_feature);
        return 1;
    }
    const Result<Output> output = perform(*options);
    if (!output)
        return fatal(output.error());
    if (std::fwrite(output->text.data(), 1, output->text.size(), stdout) != output->text.size() ||
        std::fflush(stdout) != 0)
        return fatal(Error::system(errno, "write to standard output"));
    for (const std::string& warning : options->quiet ? std::vector<std::string>() : output->warnings)
        fmt::print(stderr, "postconf: warning: {}\n", warning);
    return 0;
}
