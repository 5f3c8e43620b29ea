// trace_json.cc — see trace_json.h.
#include "server/trace_json.h"

#include <nlohmann/json.hpp>

namespace posthaste::server {

namespace {

using nlohmann::json;

json to_json(const trace::Answered& answered)
{
    json out{{"table", answered.table}, {"key", answered.key}};
    if (answered.value)
        out["value"] = *answered.value;
    else if (!answered.error.empty())
        out["error"] = answered.error;
    return out;
}

json to_json(const trace::StepRecord& step)
{
    json out{{"what", step.what}};
    for (auto [name, text] : {std::pair("subject", &step.subject), std::pair("result", &step.result),
                              std::pair("element", &step.element), std::pair("error", &step.error)})
        if (!text->empty())
            out[name] = *text;
    for (const trace::Answered& answered : step.answers)
        out["lookups"].push_back(to_json(answered));
    if (!step.steps.empty())
        out["steps"] = server::to_json(step.steps);
    return out;
}

trace::Answered answered_from(const json& in)
{
    trace::Answered answered{.table = in.at("table"), .key = in.at("key"), .value = {}, .error = in.value("error", "")};
    if (in.contains("value"))
        answered.value = in.at("value").get<std::string>();
    return answered;
}

// Throws what nlohmann throws.
std::vector<trace::StepRecord> steps_from(const json& in)
{
    std::vector<trace::StepRecord> steps;
    for (const json& item : in) {
        trace::StepRecord step;
        step.what = item.at("what");
        step.subject = item.value("subject", "");
        step.result = item.value("result", "");
        step.element = item.value("element", "");
        step.error = item.value("error", "");
        for (const json& lookup : item.value("lookups", json::array()))
            step.answers.push_back(answered_from(lookup));
        step.steps = steps_from(item.value("steps", json::array()));
        steps.push_back(std::move(step));
    }
    return steps;
}

}  // namespace

json to_json(const std::vector<trace::StepRecord>& steps)
{
    json out = json::array();
    for (const trace::StepRecord& step : steps)
        out.push_back(to_json(step));
    return out;
}

Result<std::vector<trace::StepRecord>> steps_from_json(const json& json)
{
    try {
        return steps_from(json);
    } catch (const nlohmann::json::exception& error) {
        return fail(ErrorKind::Invalid, error.what());
    }
}

}  // namespace posthaste::server
