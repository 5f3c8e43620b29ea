// postconf -b and -t, see templates.h.
#include "command/postconf/templates.h"

#include "intake/notification_text.h"
#include "param/bounce.h"

#include <fmt/format.h>

namespace posthaste::command::postconf {

namespace {

Result<std::string> expanded(dsn::ReportKind kind, const dsn::NotificationTemplate& given, const config::Config& config,
                             const std::string& file)
{
    auto text = intake::expanded_template(given, config);
    if (!text)
        return fail(ErrorKind::Invalid,
                    fmt::format("{}: undefined $name in {} template: {}", file, name(kind), text.error().text()));
    std::string out = fmt::format("expanded_{}_text = <<EOF\n", name(kind));
    for (const std::string& line : text->lines)
        out.append(line) += '\n';
    return out += "EOF\n";
}

}  // namespace

Result<Output> print_templates(const Options& options)
{
    TRY(auto config, config::load({.config_directory = options.config_directory,
                                   .overrides = options.overrides,
                                   .process_name = "postconf",
                                   .bad_values = config::BadValues::Collect}));
    const std::string file =
        options.operands.empty() ? config->get(param::bounce_template_file) : options.operands.front();
    TRY(dsn::TemplateFile templates, intake::load_notification_templates(file));
    Output output{.text = {}, .warnings = std::move(templates.warnings)};
    for (dsn::ReportKind kind : dsn::report_kinds) {
        const dsn::NotificationTemplate& given = templates.templates[static_cast<std::size_t>(kind)];
        if (kind != dsn::report_kinds.front())
            output.text += '\n';
        if (options.mode == Mode::Templates) {
            output.text += format_template(kind, given);
            continue;
        }
        TRY(std::string text, expanded(kind, given, *config, file));
        output.text += text;
        for (const std::string& zero : intake::names_that_are_zero(given, *config))
            output.warnings.push_back(
                fmt::format("{}: zero result in {} template conversion of parameter \"{}\"", file, name(kind), zero));
    }
    return output;
}

}  // namespace posthaste::command::postconf
