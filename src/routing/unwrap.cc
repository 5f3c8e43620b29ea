// unwrap.cc — see unwrap.h.
#include "routing/unwrap.h"

#include "base/text.h"

namespace posthaste::routing {

std::optional<std::string> address_in_local_part(std::string_view local_part, const UnwrapRules& rules)
{
    auto inside = [&](std::size_t position) {
        return position != std::string_view::npos && position > 0 && position + 1 < local_part.size();
    };
    if (rules.dequoted_address && inside(local_part.rfind('@')))
        return std::string(local_part);
    if (std::size_t bang = local_part.find('!'); rules.swap_bangpath && inside(bang))
        return std::string(local_part.substr(bang + 1)) + "@" + std::string(local_part.substr(0, bang));
    if (std::size_t percent = local_part.rfind('%'); rules.percent_hack && inside(percent)) {
        std::string address(local_part);
        address[percent] = '@';
        return address;
    }
    return std::nullopt;
}

TransportAndNexthop parse_transport(std::string_view text)
{
    std::size_t colon = text.find(':');
    if (colon == std::string_view::npos)
        return {.transport = std::string(trim(text)), .nexthop = {}};
    return {.transport = std::string(trim(text.substr(0, colon))),
            .nexthop = std::string(trim(text.substr(colon + 1)))};
}

}  // namespace posthaste::routing
