// search_list.cc — see search_list.h.
#include "dns/search_list.h"

#include <algorithm>
#include <resolv.h>

namespace posthaste::dns {

std::vector<std::string> system_search_domains()
{
    struct __res_state state{};
    if (::res_ninit(&state) != 0)
        return {};
    std::vector<std::string> domains;
    for (std::size_t i = 0; i < std::size(state.dnsrch) && state.dnsrch[i]; ++i)
        if (*state.dnsrch[i] != '\0')
            domains.emplace_back(state.dnsrch[i]);
    ::res_nclose(&state);
    return domains;
}

std::vector<std::string> search_names(std::string_view queried, SearchOptions options,
                                      const std::vector<std::string>& domains)
{
    const bool has_dot = queried.contains('.');
    std::size_t searched = 0;
    if (options.all_domains)
        searched = domains.size();
    else if (options.default_domain && !has_dot)
        searched = std::min<std::size_t>(domains.size(), 1);
    if (queried.ends_with('.'))
        searched = 0;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < searched; ++i)
        names.push_back(std::string(queried) + "." + domains[i]);
    // resolv.conf(5) ndots: a name with a dot is more likely to be complete than not.
    names.emplace(has_dot ? names.begin() : names.end(), queried);
    return names;
}

}  // namespace posthaste::dns
