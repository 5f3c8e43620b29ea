// check_services.cc — what the services of master.cf need: users, ports, usable settings. master and smtpd themselves
// are asked for what only they know.
#include "command/postfix/checks.h"
#include "param/basics.h"
#include "server/ask_program.h"
#include "server/identity.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace posthaste::postfix {

namespace {

using nlohmann::json;

// The answer of a program, an object; null if there is no such program, which programs() reports.
json ask(const Subject& subject, std::string_view program, const std::vector<std::string>& arguments)
{
    const std::string path = fmt::format("{}/{}", subject.config.get(param::daemon_directory), program);
    if (::access(path.c_str(), X_OK) != 0)
        return {};
    auto answer = server::ask_program(path, arguments);
    if (!answer)
        return {{"error", answer.error().text()}};
    json parsed = json::parse(*answer, nullptr, false);
    if (!parsed.is_object())
        parsed = {{"error", path + ": its answer is not understood; is it of another version?"}};
    return parsed;
}

}  // namespace

namespace checks {

void service_users(const Subject& subject, Findings& findings)
{
    constexpr std::string_view attribute = "user=";
    const auto forbidden = server::MailSystemRights::of(subject.config);
    for (const config::MasterService& service : subject.master_cf.services) {
        if (service.command != "pipe" && service.command != "spawn")
            continue;
        for (const std::string& argument : service.arguments) {
            if (!argument.starts_with(attribute))
                continue;
            const std::string account = argument.substr(attribute.size());
            const std::string user = account.substr(0, account.find(':'));
            const std::string group =
                account.find(':') == std::string::npos ? "" : account.substr(account.find(':') + 1);
            auto found = server::find_user(user);
            auto found_group = group.empty() && found ? found->gid : server::find_group(group);
            std::string text = !found ? found.error().text() : !found_group ? found_group.error().text() : "";
            std::string remedy = "make the account, or name one that exists";
            if (text.empty()) {
                const std::string rights = forbidden.held_by({user, found->uid, *found_group});
                if (rights.empty())
                    continue;
                text = "specifies " + rights;
                remedy = "name an account of its own";
            }
            findings.push_back({.severity = Severity::Warning,
                                .place = service.place,
                                .service = key_of(service),
                                .text = fmt::format("{}: {}; its mail waits", argument, text),
                                .remedy = remedy});
        }
    }
}

void ports(const Subject& subject, Findings& findings)
{
    const std::string state = subject.state == SystemState::Running    ? "running"
                              : subject.state == SystemState::Starting ? "starting"
                                                                       : "stopped";
    const json answer = ask(subject, "master", {"check", state});
    if (answer.is_object() && answer.contains("error"))
        findings.push_back({.severity = Severity::Fatal, .text = answer.value("error", "")});
    if (!answer.is_object() || !answer.contains("problems"))
        return;
    for (const json& problem : answer.at("problems")) {
        const std::string name = problem.value("service", "");
        const auto* service = config::find_service(subject.master_cf.services, name, config::ServiceType::Inet);
        findings.push_back({.severity = Severity::Fatal,
                            .place = service == nullptr ? config::Place() : service->place,
                            .service = name + "/inet",
                            .text = problem.value("text", ""),
                            .remedy = problem.value("remedy", "")});
    }
}

void smtp_servers(const Subject& subject, Findings& findings)
{
    if (!subject.config.problems().empty())
        return;
    for (const config::MasterService& service : subject.master_cf.services) {
        if (service.command != "smtpd" || !load_with_options(subject, service))  // overrides() says so
            continue;
        std::vector<std::string> arguments{"check", "-n", service.name, "-t", std::string(config::name(service.type))};
        for (const auto& [name, value] : service.overrides) {
            arguments.emplace_back("-o");
            arguments.push_back(name + "=" + value);
        }
        const json answer = ask(subject, "smtpd", arguments);
        if (answer.is_object() && answer.contains("error")) {
            const std::string error = answer.value("error", "");
            if (error.starts_with(subject.config.directory() + "/master.cf, line "))
                continue;  // a broken line, which is a finding of its own
            const std::string parameter = parameter_in_front(error);
            findings.push_back({.severity = Severity::Error,
                                .place = parameter.empty() ? service.place : place_in(subject, service, parameter),
                                .parameter = parameter,
                                .service = key_of(service),
                                .text = "will not start: " + error});
        }
        if (!answer.is_object() || !answer.contains("problems"))
            continue;
        for (const json& problem : answer.at("problems")) {
            const std::string parameter = problem.value("parameter", "");
            findings.push_back(
                {.severity = Severity::Warning,
                 .place = place_in(subject, service, parameter),
                 .parameter = parameter,
                 .service = key_of(service),
                 .text = problem.value("text", ""),
                 .remedy = problem.value("until_then", "until it is corrected, clients are answered 451")});
        }
    }
}

}  // namespace checks
}  // namespace posthaste::postfix
