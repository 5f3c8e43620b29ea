// source_settings.h — the configuration file of a table that asks a server or a database: sqlite_table(5),
// memcache_table(5), redis. "name = value" lines in main.cf's layout; $name has no meaning in it.
#pragma once

#include "base/result.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace posthaste::table {

// The settings of one file. A later line of the same name counts.
class SourceSettings {
public:
    // `path` must be absolute: Invalid otherwise (a bare name would mean settings in main.cf).
    static Result<SourceSettings> read(const std::string& path);
    // The same from text; `where` is for messages. Invalid: "where, line 3: missing '=' after attribute name: ...".
    static Result<SourceSettings> parse(std::string_view text, const std::string& where);

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string text(std::string_view name, std::string_view standard = {}) const;
    // Invalid: empty or missing.
    [[nodiscard]] Result<std::string> required(std::string_view name) const;
    // Invalid: not a number, or out of bounds.
    [[nodiscard]] Result<int> number(std::string_view name, int standard, int least, int most) const;

private:
    std::string path_;
    std::map<std::string, std::string, std::less<>> settings_;
};

}  // namespace posthaste::table
