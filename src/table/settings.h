// settings.h — what main.cf says of tables, for the whole process: the options that open() uses where its caller has
// none, and the main.cf of tables whose settings stand in it (main_cf.h). Set when main.cf was read, and again when a
// reload brings another one; tables that are open keep theirs. Options of the cleanup service in master.cf do not count
// for these: they are of the process.
#pragma once

#include "config/config.h"
#include "table/table.h"

namespace posthaste::table {

// Who asks for proxy: tables, and so how.
enum class ProxyUser : std::uint8_t {
    Service,  // works in the queue directory: private/proxymap
    Command,  // works anywhere: the whole path of that
    Itself,   // opens the table behind proxy: itself: proxymap, and processes that keep root (proxymap(8): what it says
              // is not to be trusted with rights)
};

// Invalid: stale_index_action is none of its values.
Result<OpenOptions> options_of(const config::Config& config, ProxyUser user);
// Makes these the options of the process.
void use_options(OpenOptions options);
// Both, options and main.cf. Invalid: as options_of(); then nothing changes.
Result<void> use_main_cf(const std::shared_ptr<const config::Config>& config, ProxyUser user);

// postconf(5) daemon_table_open_error_is_fatal: from now on a table that cannot be opened ends the process, if `fatal`.
void set_open_errors_fatal(bool fatal);

}  // namespace posthaste::table
