// explain_json.cc — an explanation as one JSON object. The fields are described in postconf(1).
#include "command/postconf/explain_parts.h"
#include "server/trace_json.h"

#include <nlohmann/json.hpp>

namespace posthaste::command::postconf {

namespace {

using nlohmann::json;

json to_json(const Way& way)
{
    json out{{"recipient", way.address}, {"steps", server::to_json(way.steps)}};
    if (!way.route) {
        out["error"] = way.error;
        return out;
    }
    out["address_class"] = routing::name(way.route->address_class);
    out["transport"] = way.route->transport;
    out["nexthop"] = way.route->nexthop;
    out["delivered_as"] = way.route->recipient;
    out["program"] = way.program;
    out["deferred"] = way.deferred;
    if (!way.problem.empty())
        out["problem"] = way.problem;
    for (const Limit& limit : way.limits)
        out["limits"][limit.parameter] = {{"value", limit.value}, {"place", limit.place}};
    return out;
}

json to_json(const Admission& admission)
{
    if (!admission.error.empty())
        return {{"error", admission.error}};
    return {{"client", admission.client}, {"reply", admission.reply}, {"steps", server::to_json(admission.steps)}};
}

}  // namespace

std::string to_json(const Explanation& explanation)
{
    json out{{"address", explanation.question.address},
             {"from", explanation.question.sender},
             {"service", explanation.service},
             {"sender", explanation.sender},
             {"sender_steps", server::to_json(explanation.sender_steps)},
             {"rewriting", server::to_json(explanation.steps)},
             {"recipients", json::array()},
             {"exit_status", exit_status(explanation)}};
    if (!explanation.error.empty())
        out["error"] = explanation.error;
    if (explanation.admission)
        out["admission"] = to_json(*explanation.admission);
    for (const Way& way : explanation.ways)
        out["recipients"].push_back(to_json(way));
    return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace posthaste::command::postconf
