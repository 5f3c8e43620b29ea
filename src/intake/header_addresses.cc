// Tables and the addresses in headers, see header_addresses.h.
#include "intake/header_addresses.h"

#include "address/header_list.h"
#include "address/local_part.h"

namespace posthaste::intake {

Task<Accepted<std::string>> rewrite_header_addresses(AddressRewriter* rewriter, std::string text,
                                                     std::vector<HeaderPlace> places, std::size_t token_limit)
{
    std::string out;
    std::size_t copied = 0;
    for (const HeaderPlace& header : places) {
        const AddressPlace place =
            header.role == HeaderRole::Sender ? AddressPlace::HeaderSender : AddressPlace::HeaderRecipient;
        if (!rewriter->changes(place))
            continue;
        const std::size_t value_at = text.find(':', header.begin) + 1;
        std::string_view value = std::string_view(text).substr(value_at, header.begin + header.size - value_at);
        for (const auto& listed : address::parse_address_list(value, token_limit).addresses) {
            if (!listed.valid || listed.address.empty())
                continue;
            auto rewritten = co_await rewriter->rewrite(listed.address, place);
            if (!rewritten)
                co_return std::unexpected(std::move(rewritten.error()));
            if (*rewritten == listed.address)
                continue;
            out.append(text, copied, value_at + listed.begin - copied);
            out += address::quote(*rewritten);
            copied = value_at + listed.end;
        }
    }
    out.append(text, copied);
    co_return out;
}

}  // namespace posthaste::intake
