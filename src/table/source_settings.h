// source_settings.h — the settings of a table that asks a server or a database: sqlite_table(5), memcache_table(5),
// mysql_table(5), pgsql_table(5), ldap_table(5), redis.
//
// They stand in a file, "name = value" lines in main.cf's layout in which $name has no meaning; or, for a source whose
// name begins with neither a slash nor a dot, in main.cf itself: `dbpath` of sqlite:users is users_dbpath there.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "table/table.h"

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace posthaste::table {

// The settings of one source. A later line of the same name counts.
class SourceSettings {
public:
    // Whether such a source names a file, not settings of main.cf.
    static bool is_file(std::string_view source) { return source.starts_with('/') || source.starts_with('.'); }
    // The file of that name, or what options.main_cf has under it. Invalid: such a name, and no main.cf was read.
    static Result<SourceSettings> of(const std::string& source, const OpenOptions& options);
    // From a file.
    static Result<SourceSettings> read(const std::string& path);
    // The same from text; `where` is for messages. Invalid: "where, line 3: missing '=' after attribute name: ...".
    static Result<SourceSettings> parse(std::string_view text, const std::string& where);
    // Every setting PREFIX_... of main.cf.
    static Result<SourceSettings> from(const config::Config& config, const std::string& prefix);

    // The file, or the bare name: what messages call the source.
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] bool has(std::string_view name) const { return settings_.contains(name); }
    [[nodiscard]] std::string text(std::string_view name, std::string_view standard = {}) const;
    // Invalid: empty or missing.
    [[nodiscard]] Result<std::string> required(std::string_view name) const;
    // Invalid: not a number, or out of bounds.
    [[nodiscard]] Result<int> number(std::string_view name, int standard, int least, int most) const;
    // Invalid: neither yes nor no.
    [[nodiscard]] Result<bool> yes_or_no(std::string_view name, bool standard) const;
    // Invalid: no time, or out of bounds. Without a unit: seconds.
    [[nodiscard]] Result<std::chrono::seconds> seconds(std::string_view name, int standard, int least, int most) const;

private:
    // As a message names it: "/etc/postfix/x.cf: dbpath", or "x_dbpath".
    [[nodiscard]] std::string named(std::string_view what, std::string_view name) const;

    std::string path_;
    std::string prefix_;  // of the names in main.cf, with the underscore; empty for a file
    std::map<std::string, std::string, std::less<>> settings_;
};

}  // namespace posthaste::table
