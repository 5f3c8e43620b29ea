// check.cc — see check.h.
#include "command/postfix/check.h"

#include "log/log.h"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace posthaste::postfix {

Findings findings(const Instance& instance, SystemState state)
{
    Findings found;
    auto master_cf = config::load_master_cf(instance.config->directory());
    const config::MasterCf none;
    const Subject subject{.config = *instance.config,
                          .master_cf = master_cf ? *master_cf : none,
                          .is_root = ::geteuid() == 0,
                          .state = state};
    checks::values(subject, found);
    checks::accounts(subject, found);
    if (!has_error(found))
        checks::directories(subject, found);
    if (!master_cf)
        found.push_back({.severity = Severity::Error, .text = master_cf.error().text()});
    for (auto* look :
         {checks::names, checks::overrides, checks::programs, checks::set_gid_programs, checks::service_users,
          checks::log_file, checks::tables, checks::proxymap, checks::address_classes, checks::transports,
          checks::certificates, checks::smtp_servers, checks::ports})
        look(subject, found);
    return found;
}

bool check(const Instance& instance, SystemState state)
{
    const Findings found = findings(instance, state);
    for (const Finding& finding : found) {
        switch (finding.severity) {
        case Severity::Note: log::info("{}", to_text(finding)); break;
        case Severity::Warning: log::warning("{}", to_text(finding)); break;
        case Severity::Error: log::error("{}", to_text(finding)); break;
        }
    }
    return !has_error(found);
}

SystemState state_of(const Instance& instance)
{
    return is_running(instance) ? SystemState::Running : SystemState::Stopped;
}

int check_as_json(const Instance& instance)
{
    const Findings found = findings(instance, state_of(instance));
    const std::string text = to_json(found);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        log::fatal("write to standard output failed");
    return has_error(found) ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace posthaste::postfix
