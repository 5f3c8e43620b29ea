// check_texts.cc — values that are no number and no word, and that one program reads in a way of its own. Each is read
// here by the function that reads it there.
#include "command/postfix/checks.h"
#include "config/environment.h"
#include "intake/notification_text.h"
#include "param/basics.h"
#include "param/bounce.h"
#include "param/local.h"
#include "param/log.h"
#include "param/qmgr.h"
#include "server/concurrency_feedback.h"
#include "server/identity.h"
#include "server/log_setup.h"
#include "table/registry.h"
#include "table/text_source.h"

#include <algorithm>
#include <utility>

namespace posthaste::postfix {

namespace {

class TextCheck {
public:
    TextCheck(const config::Config& config, Findings& findings) : config_(config), findings_(findings) {}

    template<class T>
    void look(std::string_view parameter, const Result<T>& read, Severity severity, std::string remedy)
    {
        if (!read)
            add(parameter, severity, read.error().text(), std::move(remedy));
    }

    void add(std::string_view parameter, Severity severity, std::string text, std::string remedy)
    {
        findings_.push_back({.severity = severity,
                             .place = place_of(config_, parameter),
                             .parameter = std::string(parameter),
                             .text = std::move(text),
                             .remedy = std::move(remedy)});
    }

private:
    const config::Config& config_;
    Findings& findings_;
};

// Patterns that are no network, such as one with host bits, and files that cannot be read: who is compared with them
// is put off.
void look_at_host_list(const config::Config& config, std::string_view parameter, TextCheck& check)
{
    const auto value = config.value_of(parameter);
    look_at_patterns(
        value && *value ? **value : "", match::Kind::Host,
        [&](std::string_view problem) {
            check.add(parameter, Severity::Error, std::string(problem),
                      "until it is corrected, clients are answered 451");
        },
        [&](const Error& error) {
            check.add(parameter, Severity::Error, error.text(), "smtpd does not start until it is corrected");
        });
}

}  // namespace

void look_at_patterns(std::string_view text, match::Kind kind, const std::function<void(std::string_view)>& problem,
                      const std::function<void(const Error&)>& error)
{
    const auto words = table::split_outside_braces(text, table::list_separators);
    if (!words) {
        error(words.error());
        return;
    }
    for (std::string_view word : *words) {
        const std::string_view pattern = word.substr(std::min(word.find_first_not_of('!'), word.size()));
        const bool may_be_table = !pattern.starts_with('/') && pattern.contains(':');
        const bool is_address = kind == match::Kind::Host && !table::is_type(pattern.substr(0, pattern.find(':')));
        if (may_be_table && !is_address)
            continue;
        match::Options options;
        options.tables.warn = problem;
        if (auto parsed = match::List::parse(word, kind, options); !parsed)
            error(parsed.error());
    }
}

namespace checks {

void texts(const Subject& subject, Findings& findings)
{
    const config::Config& config = subject.config;
    TextCheck check(config, findings);
    check.look("import_environment", config::listed_variables(config.get(param::import_environment)), Severity::Fatal,
               "master does not start until it is corrected");
    check.look("export_environment", config::exported_variables(config.get(param::export_environment)), Severity::Error,
               "until it is corrected, mail for commands waits");
    check.look("maillog_file_permissions", server::maillog_file_mode(config), Severity::Error,
               "postlogd does not start until it is corrected");
    check.look("default_privs", server::find_user(config.get(param::default_privs)), Severity::Warning,
               "make the account, or name one that exists: mail for commands and files of root waits");
    for (const auto& [name, value] : {std::pair("default_destination_concurrency_positive_feedback",
                                                config.get(param::default_destination_concurrency_positive_feedback)),
                                      std::pair("default_destination_concurrency_negative_feedback",
                                                config.get(param::default_destination_concurrency_negative_feedback))})
        check.look(name, server::Feedback::parse(value), Severity::Warning, "until it is corrected, 1 counts");
    const auto templates = intake::load_notification_templates(config.get(param::bounce_template_file));
    check.look("bounce_template_file", templates, Severity::Error,
               "nobody is told of mail that cannot be delivered until it is corrected");
    // Others have $mynetworks as default: what is wrong there is said once.
    for (const std::string_view parameter : {"mynetworks", "smtpd_client_event_limit_exceptions",
                                             "smtpd_forbid_bare_newline_exclusions", "smtpd_authorized_verp_clients"})
        if (config.place(parameter))
            look_at_host_list(config, parameter, check);
    if (templates)
        for (const std::string& warning : templates->warnings)
            check.add("bounce_template_file", Severity::Warning, warning, "");
}

}  // namespace checks
}  // namespace posthaste::postfix
