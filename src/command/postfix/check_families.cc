// check_families.cc — parameters <service>_<suffix> of the services of master.cf. qmgr reads those of transports when
// the first mail comes for them, pipe(8) its own when it starts.
#include "command/postfix/checks.h"
#include "param/services.h"
#include "server/concurrency_feedback.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::postfix {

namespace {

// main.cf as this line sees it; null: an option of it has a bad value, which overrides() says.
std::shared_ptr<const config::Config> config_of(const Subject& subject, const config::MasterService& line)
{
    auto loaded = load_with_options(subject, line);
    return loaded ? *loaded : nullptr;
}

// What get_for() has against the value for this service; empty: nothing.
template<class Parameter>
std::string problem_of(const config::Config& config, std::string_view service, std::size_t index)
{
    const std::uint16_t slot = config::families()[index].fallback_slot;
    const config::Family<Parameter> family{.fallback = {slot, slot}, .index = static_cast<std::uint16_t>(index)};
    const auto value = config.get_for(service, family);
    return value ? "" : value.error().text();
}

// The families of texts are feedbacks. What is wrong with the default texts() says.
std::string problem_of_feedback(const config::Config& config, std::string_view service, std::size_t index)
{
    std::string problem = problem_of<config::StringParameter>(config, service, index);
    const std::string name = fmt::format("{}_{}", service, config::families()[index].suffix);
    const auto text = config.raw(name);
    if (!problem.empty() || !text)
        return problem;
    const auto feedback = server::Feedback::parse(config.expand(*text));
    return feedback ? "" : fmt::format("{}: {}", name, feedback.error().text());
}

std::string problem_of(const config::Config& config, std::string_view service, std::size_t index)
{
    switch (config::families()[index].kind) {
    case config::Kind::String:
    case config::Kind::Raw: return problem_of_feedback(config, service, index);
    case config::Kind::Int: return problem_of<config::IntParameter>(config, service, index);
    case config::Kind::Long: return problem_of<config::LongParameter>(config, service, index);
    case config::Kind::Bool: return problem_of<config::BoolParameter>(config, service, index);
    case config::Kind::Time: return problem_of<config::TimeParameter>(config, service, index);
    }
    return "";
}

std::string fallback_text(const config::Config& config, const config::FamilyDeclaration& family)
{
    const auto value = config.value_of(family.fallback);
    return fmt::format("{} = {}", family.fallback, value ? value->value_or("") : "");
}

}  // namespace

namespace checks {

void families(const Subject& subject, Findings& findings)
{
    const auto& services = subject.master_cf.services;
    const auto* qmgr =
        config::find_service(services, subject.config.get(param::queue_service_name), config::ServiceType::Unix);
    const auto with_options = qmgr != nullptr && !qmgr->overrides.empty() ? config_of(subject, *qmgr) : nullptr;
    const config::Config& config_of_qmgr = with_options ? *with_options : subject.config;
    for (const config::MasterService& service : services) {
        if (service.type != config::ServiceType::Unix)
            continue;
        const bool is_pipe = service.command == "pipe";
        const auto own_options = is_pipe && !service.overrides.empty() ? config_of(subject, service) : nullptr;
        const auto all = config::families();
        for (std::size_t index = 0; index < all.size(); ++index) {
            const bool is_of_pipe = all[index].used_by != "qmgr";
            if (is_of_pipe && !is_pipe)
                continue;
            const config::Config& config = !is_of_pipe ? config_of_qmgr : own_options ? *own_options : subject.config;
            const std::string problem = problem_of(config, service.name, index);
            if (problem.empty())
                continue;
            const std::string name = fmt::format("{}_{}", service.name, all[index].suffix);
            const config::MasterService* reader = is_of_pipe ? &service : qmgr;
            findings.push_back(
                {.severity = is_of_pipe ? Severity::Error : Severity::Warning,
                 .place = reader == nullptr ? place_of(config, name) : place_in(subject, *reader, name),
                 .parameter = name,
                 .text = problem.substr(std::min(problem.find(name), problem.size())),  // without the place
                 .remedy = is_of_pipe
                               ? fmt::format("service {} does not start until it is corrected", key_of(service))
                               : fmt::format("until it is corrected, {} counts", fallback_text(config, all[index]))});
        }
    }
}

}  // namespace checks
}  // namespace posthaste::postfix
