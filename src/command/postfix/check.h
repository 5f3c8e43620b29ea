// postfix check: everything that must be right before the start, each finding with its place and its remedy.
//
// What is looked at is in checks.h, one function a matter. start, start-fg and reload look at the same. start refuses
// what is fatal, and no more: after a power cut one broken service must not keep all others down. reload refuses an
// error, too: what runs is better.
#pragma once

#include "command/postfix/checks.h"
#include "command/postfix/control.h"

namespace posthaste::postfix {

// All findings, in the order in which they are looked for.
Findings findings(const Instance& instance, SystemState state);

// Logs them. The worst of them; Note if there are none.
Severity check(const Instance& instance, SystemState state);

// Running or Stopped.
SystemState state_of(const Instance& instance);

// Prints them as JSON; the exit status.
int check_as_json(const Instance& instance);
// The same where there is no instance, because of this error: each broken line of main.cf is a finding.
int refusal_as_json(const std::string& config_directory, const Error& error);

}  // namespace posthaste::postfix
