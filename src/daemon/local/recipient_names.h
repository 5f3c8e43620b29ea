// recipient_names.h — $user, $home and their like in forward_path, luser_relay and command_execution_directory.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "daemon/local/targets.h"

#include <string>
#include <string_view>

namespace posthaste::local {

// The text with $user $home $shell $recipient $extension $domain $local and $recipient_delimiter (that of the address;
// without an extension the first that is configured) of whom the scope is about. Characters of the values that are not
// `allowed` become '_'; none are allowed: all are. Invalid: the text is malformed.
Result<std::string> expand_names(const config::Config& config, std::string_view text, const Scope& scope,
                                 std::string_view allowed);

// What is not among the allowed characters becomes '_'.
void keep_only(std::string_view allowed, std::string& value);

}  // namespace posthaste::local
