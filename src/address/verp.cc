// verp.cc — see verp.h.
#include "address/verp.h"

#include "address/local_part.h"

namespace posthaste::address {

std::string verp_sender(std::string_view sender, std::string_view delimiters, std::string_view recipient)
{
    const address::Split from = address::split_at_domain(sender);
    const address::Split to = address::split_at_domain(recipient);
    std::string result(from.local_part);
    result += delimiters[0];
    result += to.local_part;
    if (to.has_domain) {
        result += delimiters[1];
        result += to.domain;
    }
    if (from.has_domain) {
        result += '@';
        result += from.domain;
    }
    return result;
}

}  // namespace posthaste::address
