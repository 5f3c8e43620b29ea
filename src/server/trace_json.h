// trace_json.h — a trace (base/trace_record.h) as JSON: how a daemon tells `postconf explain` what it has decided, and
// how `postconf explain --json` prints it.
#pragma once

#include "base/result.h"
#include "base/trace_record.h"

#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace posthaste::server {

// {"what", "subject", "result", "element", "error", "lookups": [{"table", "key", "value" or "error"}], "steps"}; what
// is empty is left out. Bytes that are not UTF-8 are replaced when it is printed.
nlohmann::json to_json(const std::vector<trace::StepRecord>& steps);
// Invalid: it is none of ours.
Result<std::vector<trace::StepRecord>> steps_from_json(const nlohmann::json& json);

}  // namespace posthaste::server
