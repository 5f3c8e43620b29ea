// postconf -b and -t: the texts of notifications, as they will be sent and as templates.
#pragma once

#include "command/postconf/parameters.h"

namespace posthaste::command::postconf {

// The file is the operand, else bounce_template_file; an empty name stands for the built-in templates.
// Invalid: the file is no list of definitions, or (-b) a text has a $name that does not exist.
Result<Output> print_templates(const Options& options);

}  // namespace posthaste::command::postconf
