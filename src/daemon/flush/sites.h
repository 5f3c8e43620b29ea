// sites.h — the sites whose mail is looked for, and whether a recipient is at one of them.
#pragma once

#include "daemon/flush/protocol.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace posthaste::flush {

// A value. Domains are compared without regard to case, address literals as they are written.
class Sites {
public:
    void add(std::string_view site, Subdomains subdomains);
    // Of an address in internal form. One without a domain is at no site.
    [[nodiscard]] bool contain(std::string_view recipient) const;
    [[nodiscard]] bool has(std::string_view site, Subdomains subdomains) const;
    [[nodiscard]] std::size_t size() const { return sites_.size(); }
    [[nodiscard]] bool empty() const { return sites_.empty(); }
    // For the log: "a.test, @b.test and 3 more".
    [[nodiscard]] std::string text() const;

private:
    std::map<std::string, Subdomains, std::less<>> sites_;  // folded
};

}  // namespace posthaste::flush
