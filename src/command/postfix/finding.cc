// finding.cc — see finding.h.
#include "command/postfix/finding.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace posthaste::postfix {

namespace {

std::string_view name(Severity severity)
{
    switch (severity) {
    case Severity::Note: return "note";
    case Severity::Warning: return "warning";
    case Severity::Error: return "error";
    case Severity::Fatal: return "fatal";
    }
    return "fatal";
}

}  // namespace

std::string to_text(const Finding& finding)
{
    std::string text = finding.place.file.empty() ? std::string() : finding.place.text() + ": ";
    if (!finding.service.empty())
        text += fmt::format("service {}: ", finding.service);
    if (!finding.parameter.empty() && !finding.text.starts_with(finding.parameter))
        text += finding.parameter + ": ";
    text += finding.text;
    if (!finding.remedy.empty())
        text += "; " + finding.remedy;
    return text;
}

std::string to_json(const Findings& findings)
{
    using nlohmann::ordered_json;
    ordered_json out = ordered_json::array();
    for (const Finding& finding : findings)
        out.push_back({{"severity", name(finding.severity)},
                       {"file", finding.place.file},
                       {"line", finding.place.line},
                       {"parameter", finding.parameter},
                       {"service", finding.service},
                       {"text", finding.text},
                       {"remedy", finding.remedy}});
    return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Severity worst(const Findings& findings)
{
    Severity worst = Severity::Note;
    for (const Finding& finding : findings)
        worst = std::max(worst, finding.severity);
    return worst;
}

}  // namespace posthaste::postfix
