// explain_parts.cc — see explain_parts.h.
#include "command/postconf/explain_parts.h"

#include "address/local_part.h"
#include "config/declaration.h"
#include "param/basics.h"
#include "server/ask_program.h"
#include "server/trace_json.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace posthaste::command::postconf {

namespace {

// Of the families of a transport, those that say how fast mail may go.
constexpr std::string_view transport_limits[] = {"initial_destination_concurrency", "destination_concurrency_limit",
                                                 "destination_recipient_limit", "destination_rate_delay",
                                                 "transport_rate_delay"};

Limit limit(const config::Config& config, std::string_view parameter)
{
    auto value = config.value_of(parameter);
    return {.parameter = std::string(parameter),
            .value = value ? value->value_or("") : "temporary error: " + value.error().text(),
            .place = place_of(config, parameter)};
}

bool is_set_or_declared(const config::Config& config, std::string_view parameter)
{
    return config.raw(parameter) || config::find_declaration(parameter);
}

Admission answer_of(const std::string& text)
{
    Admission admission;
    try {
        const nlohmann::json json = nlohmann::json::parse(text);
        if (json.contains("error")) {
            admission.error = json.at("error");
            return admission;
        }
        const std::string address = json.at("client").at("address");
        const std::string name = json.at("client").at("name");
        admission.client = fmt::format("{} ({})", address, name);
        admission.reply = json.at("reply");
        auto steps = server::steps_from_json(json.at("steps"));
        if (steps)
            admission.steps = std::move(*steps);
        else
            admission.error = steps.error().text();
    } catch (const nlohmann::json::exception& error) {
        admission.error = fmt::format("smtpd of another version? its answer is not understood: {}", error.what());
    }
    return admission;
}

}  // namespace

std::string place_of(const config::Config& config, std::string_view parameter)
{
    auto place = config.place(parameter);
    return place ? place->text() : "default";
}

Result<const config::MasterService*> server_of(const config::MasterCf& master_cf, std::string_view name)
{
    for (const config::MasterService& service : master_cf.services)
        if (service.command == "smtpd" && (name.empty() || service.name == name))
            return &service;
    if (name.empty())
        return nullptr;
    return fail(ErrorKind::NotFound, fmt::format("master.cf has no smtpd service \"{}\"", name));
}

Admission ask_smtpd(const config::Config& config, const config::MasterService& server, const Question& question)
{
    std::vector<std::string> arguments{"explain", "-n", server.name, "-t", std::string(config::name(server.type))};
    for (const auto& [name, value] : server.overrides) {
        arguments.emplace_back("-o");
        arguments.push_back(name + "=" + value);
    }
    auto path = [](const std::string& address) { return "<" + address + ">"; };
    arguments.insert(arguments.end(), {question.client, question.helo.empty() ? question.client : question.helo,
                                       path(question.sender), path(question.address)});
    ::setenv("MAIL_CONFIG", config.directory().c_str(), 1);
    auto answer = server::ask_program(config.get(param::daemon_directory) + "/smtpd", arguments);
    Admission admission = answer ? answer_of(*answer) : Admission{.error = answer.error().text()};
    admission.helo = question.helo;
    return admission;
}

std::vector<Limit> limits_of(const config::Config& config, const routing::Route& route)
{
    std::vector<Limit> limits;
    for (std::string_view suffix : transport_limits) {
        const std::string own = fmt::format("{}_{}", route.transport, suffix);
        auto families = config::families();
        auto family = std::ranges::find(families, suffix, &config::FamilyDeclaration::suffix);
        if (is_set_or_declared(config, own))
            limits.push_back(limit(config, own));
        else if (family != families.end())
            limits.push_back(limit(config, family->fallback));
    }
    limits.push_back(limit(config, "message_size_limit"));
    if (route.transport == "local")
        limits.push_back(limit(config, "mailbox_size_limit"));
    if (route.transport == "virtual")
        limits.push_back(limit(config, "virtual_mailbox_limit"));
    return limits;
}

}  // namespace posthaste::command::postconf
