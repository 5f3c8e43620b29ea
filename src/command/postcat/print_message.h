// print_message.h — a message as postcat(1) prints it: records in the order and with the names that Postfix has.
//
// Only names that Postfix uses appear; facts that our envelope lacks (the position of the end, flags of the queue
// manager) are left out or 0.
#pragma once

#include "command/postcat/find_message.h"

#include <string>

namespace posthaste::command::postcat {

// postcat(1) -e, -h, -b, -d, -o, -v, -s.
struct Style {
    bool envelope = true;
    bool header = true;
    bool body = true;
    bool record_types = false;  // the decimal number of Postfix's record type before each line
    // The byte offset in the file before each line: of the envelope, the recipient's mark, or the line itself.
    bool offsets = false;
    bool text_names = false;    // "regular_text: " before each line of the content
    std::uint64_t skip_to = 0;  // content with a lower offset is left out: above 0, the envelope, too
};

std::string print_message(const FoundMessage& message, const Style& style);

}  // namespace posthaste::command::postcat
