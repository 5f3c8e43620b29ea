// Changing main.cf as postconf -e, -X and -# do: comments, order and layout of everything else stay.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace posthaste::config {

struct Edit {
    enum class Action : std::uint8_t {
        Set,         // replace the setting in its place, or append it
        Remove,      // -X
        CommentOut,  // -#
    };
    Action action = Action::Set;
    std::string name;
    std::string value;  // Set
};

// The text with the edits applied. A setting that stands there several times is changed everywhere.
std::string edited_main_cf(std::string_view content, const std::vector<Edit>& edits);

// Edits the file in place: a crash leaves the old or the new file, never a part. Mode and owner stay; a symbolic link
// is followed. Two editors at once wait for each other. An edit of a file that does not exist is NotFound.
Result<void> edit_main_cf_file(const std::string& path, const std::vector<Edit>& edits);

}  // namespace posthaste::config
