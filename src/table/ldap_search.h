// ldap_search.h — what ldap_table(5) makes of directory entries: the values of a key, through templates, special,
// terminal and leaf attributes. Works on any LdapConnection, on a thread of the table.
#pragma once

#include "table/key_template.h"
#include "table/lookup.h"
#include "table/module.h"

#include <string>
#include <string_view>
#include <vector>

namespace posthaste::table {

// The settings of a source that have to do with searches. Never changes once the table is open.
struct LdapSource {
    std::string source;  // the file, or the bare name, for messages
    std::string table;   // type:name, for messages
    KeyTemplate search_base;
    KeyTemplate query_filter;
    KeyTemplate result_format;
    std::vector<std::string> result_attributes;
    std::vector<std::string> special_attributes;
    std::vector<std::string> terminal_attributes;
    std::vector<std::string> leaf_attributes;
    LdapScope scope = LdapScope::Sub;
    int recursion_limit = 1000;
    int expansion_limit = 0;  // 0: none
    int size_limit = 0;       // 0: none
};

// One lookup. Errors: those of the searches, and Limit: expansion_limit, size_limit or recursion_limit is exceeded (a
// warning says which).
Answer find_in_directory(const LdapSource& source, LdapConnection& connection, const std::string& key, Moment deadline,
                         std::vector<std::string>& warnings);

// A text as part of a distinguished name (RFC 2253 2.4) and of a search filter (RFC 2254 4).
std::string quoted_for_dn(std::string_view text);
std::string quoted_for_filter(std::string_view text);

// The attributes that an LDAP URL with this list asks for, of those that the source wants: all of them if the list is
// empty. "mail;lang-en" stands for "mail", too, where only one of the two has options (ldap_table(5)).
std::vector<std::string> wanted_by_url(const std::vector<std::string>& source, const std::vector<std::string>& url);

}  // namespace posthaste::table
