// ldap_settings.h — how an ldap: table logs in to its servers (ldap_table(5)): the protocol, bind, SASL, TLS.
#pragma once

#include "table/module.h"
#include "table/source_settings.h"

namespace posthaste::table {

// Everything but the server: `uri` stays empty. Warns of a version that is too low for what is asked for, and of
// settings that have no meaning any more. Invalid: says which setting has no such value.
Result<LdapLogin> ldap_login_of(const SourceSettings& file, const OpenOptions& options);

}  // namespace posthaste::table
