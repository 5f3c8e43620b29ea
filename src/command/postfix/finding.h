// finding.h — one thing that postfix check has to say: what is wrong, where, and what to do about it.
#pragma once

#include "config/main_cf.h"

#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::postfix {

enum class Severity : std::uint8_t {
    Note,     // worth knowing, nothing to do
    Warning,  // mail is delayed, or somebody will be surprised
    Error,    // a part of the mail system would not work: it starts without that, and a reload is refused
    Fatal,    // the mail system would end at once, do nothing, or lose or return mail: it does not start
};

struct Finding {
    Severity severity = Severity::Warning;
    config::Place place;    // empty: it is in no file
    std::string parameter;  // empty: it is about none
    std::string service;    // of master.cf: "smtp/inet"; empty: it is about none
    std::string text;
    std::string remedy;  // empty: the text says it all
};

using Findings = std::vector<Finding>;

// "/etc/postfix/main.cf, line 7: relayhost: ...; correct it with: ..."
std::string to_text(const Finding& finding);
// An array of objects with severity ("note", "warning", "error", "fatal"), file, line, parameter, service, text,
// remedy; file, parameter, service and remedy may be empty, line 0.
std::string to_json(const Findings& findings);
// Note if there are none.
Severity worst(const Findings& findings);

}  // namespace posthaste::postfix
