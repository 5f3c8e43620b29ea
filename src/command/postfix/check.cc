// check.cc — see check.h.
#include "command/postfix/check.h"

#include "log/log.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace posthaste::postfix {

namespace {

// Those that are right whatever else is in master.cf.
constexpr std::array checks_of_lines{
    checks::defaults,      checks::texts,    checks::overrides, checks::programs,     checks::set_gid_programs,
    checks::service_users, checks::log_file, checks::tables,    checks::certificates, checks::smtp_servers};
// Those that miss what is not there, or go by a certain line: of a file with a broken line they would say what is not
// true.
constexpr std::array checks_of_the_whole{checks::names,           checks::families,   checks::peers, checks::proxymap,
                                         checks::address_classes, checks::transports, checks::ports};

int print_as_json(const Findings& findings)
{
    const std::string text = to_json(findings);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        log::fatal("write to standard output failed");
    return worst(findings) >= Severity::Error ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace

Findings findings(const Instance& instance, SystemState state)
{
    Findings found;
    auto read = config::load_master_cf_lines(instance.config->directory());
    const config::MasterCfLines lines = read ? std::move(*read) : config::MasterCfLines();
    const Subject subject{
        .config = *instance.config, .master_cf = lines.good, .is_root = ::geteuid() == 0, .state = state};
    checks::values(subject, found);
    checks::accounts(subject, found);
    if (worst(found) < Severity::Fatal)
        checks::directories(subject, found);
    if (!read)
        found.push_back({.severity = Severity::Fatal, .text = read.error().text()});
    for (const config::Notice& error : lines.errors)
        found.push_back({.severity = Severity::Fatal, .place = error.place, .text = error.text});
    for (auto* look : checks_of_lines)
        look(subject, found);
    if (read && lines.errors.empty())
        for (auto* look : checks_of_the_whole)
            look(subject, found);
    return found;
}

Severity check(const Instance& instance, SystemState state)
{
    const Findings found = findings(instance, state);
    for (const Finding& finding : found) {
        switch (finding.severity) {
        case Severity::Note: log::info("{}", to_text(finding)); break;
        case Severity::Warning: log::warning("{}", to_text(finding)); break;
        case Severity::Error: log::error("{}", to_text(finding)); break;
        case Severity::Fatal: log::write(log::Severity::Fatal, to_text(finding)); break;
        }
    }
    return worst(found);
}

SystemState state_of(const Instance& instance)
{
    return is_running(instance) ? SystemState::Running : SystemState::Stopped;
}

int check_as_json(const Instance& instance) { return print_as_json(findings(instance, state_of(instance))); }

int refusal_as_json(const std::string& config_directory, const Error& error)
{
    Findings found;
    if (auto directory = config::find_directory(config_directory))
        if (auto lines = config::load_main_cf_lines(*directory))
            for (const config::Notice& broken : lines->errors)
                found.push_back({.severity = Severity::Fatal, .place = broken.place, .text = broken.text});
    if (found.empty())
        found.push_back({.severity = Severity::Fatal, .text = error.text()});
    return print_as_json(found);
}

}  // namespace posthaste::postfix
