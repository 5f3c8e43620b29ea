// approved.h — which tables proxymap may open: those that a list names behind "proxy:".
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace posthaste::proxymap {

// The values of proxy_read_maps and proxy_write_maps hold tables, restrictions and everything else that the named
// parameters hold; what does not begin with proxy: does not count. Looked for in braces, too ({check_client_access
// proxy:..., REJECT}, unionmap:{proxy:..., ...}); a brace that does not close ends the search.
std::set<std::string, std::less<>> approved_tables(std::string_view list);

// The tables of a parameter that is nothing but tables, with or without "proxy:" before them.
std::set<std::string, std::less<>> listed_tables(std::string_view list);

}  // namespace posthaste::proxymap
