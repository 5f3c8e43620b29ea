// settings.h — what main.cf says of tables, for the whole process: the options that open() uses where its caller has
// none. Set when main.cf was read, and again when a reload brings another one; tables that are open keep theirs.
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

}  // namespace posthaste::table
