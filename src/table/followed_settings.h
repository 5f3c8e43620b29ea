// followed_settings.h — a table whose settings stand in a file of its own (mysql, pgsql, ldap, sqlite, memcache,
// redis): when that file has changed and was not written to for a second, the table is opened anew with it.
//
// Settings that cannot be used leave the old ones in use, with one warning a version. Lookups under way end on the
// table that they began with.
#pragma once

#include "table/registry.h"

namespace posthaste::table {

// As `open` does it; unchanged if the settings stand in main.cf.
Opened open_with_followed_settings(const OpenRequest& request, Opened (*open)(const OpenRequest&));

}  // namespace posthaste::table
