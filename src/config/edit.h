// Changing main.cf and master.cf as postconf -e, -X and -# do: comments, order and layout of everything else stay.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace posthaste::config {

// What a logical line is known by.
enum class Syntax : std::uint8_t {
    MainCf,    // the parameter name
    MasterCf,  // service/type
};

struct Edit {
    enum class Action : std::uint8_t {
        Set,         // replace the logical line in its place, or append it
        Remove,      // -X
        CommentOut,  // -#
    };
    Action action = Action::Set;
    std::string key;              // in MasterCf "*" may stand for the service or the type
    std::string text;             // Set: the new logical line, without the last line end
    bool comments_first = false;  // Set: comments within the old logical line go in front of the new one, not behind
};

// "name = value" in main.cf.
Edit set_parameter(std::string name, std::string_view value);

// The text with the edits applied. A line that stands there several times is changed everywhere.
std::string edited(std::string_view content, Syntax syntax, const std::vector<Edit>& edits);

// Edits the file in place: a crash leaves the old or the new file, never a part. Mode and owner stay; a symbolic link
// is followed. Two editors at once wait for each other. Returns the names in main.cf that were changed in several
// places. A file that does not exist is NotFound.
Result<std::vector<std::string>> edit_file(const std::string& path, Syntax syntax, const std::vector<Edit>& edits);

}  // namespace posthaste::config
