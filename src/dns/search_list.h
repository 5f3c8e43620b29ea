// search_list.h — which names a short name may stand for: the domains of resolv.conf(5), the options of resolver(3).
//
// Such names are ambiguous, and most queries should not be made with them: nothing is searched unless an option says
// so.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthaste::dns {

struct SearchOptions {
    bool default_domain = false;  // RES_DEFNAMES: a name without dots is one of the first domain
    bool all_domains = false;     // RES_DNSRCH: every name may be one of any domain
};

// The domains that the system searches, in order: "search" or "domain" of /etc/resolv.conf, which the variable
// LOCALDOMAIN overrides, or the domain of this machine's own name. Reads files.
std::vector<std::string> system_search_domains();

// The names to ask for, in order; `queried` is among them. A name that ends in a dot is complete.
std::vector<std::string> search_names(std::string_view queried, SearchOptions options,
                                      const std::vector<std::string>& domains);

}  // namespace posthaste::dns
