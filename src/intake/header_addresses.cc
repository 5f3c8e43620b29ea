// Tables and the addresses in headers, see header_addresses.h.
#include "intake/header_addresses.h"

#include "address/header_list.h"
#include "address/local_part.h"

namespace posthaste::intake {

Task<Accepted<std::string>> rewrite_header_addresses(MapHeaderAddress map, std::string text,
                                                     std::vector<HeaderPlace> places, std::size_t token_limit)
{
    std::string out;
    std::size_t copied = 0;
    for (const HeaderPlace& header : places) {
        const std::size_t value_at = text.find(':', header.begin) + 1;
        std::string_view value = std::string_view(text).substr(value_at, header.begin + header.size - value_at);
        for (const auto& listed : address::parse_address_list(value, token_limit).addresses) {
            if (!listed.valid || listed.address.empty())
                continue;
            auto rewritten = co_await map(listed.address, header.role);
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

Task<Accepted<std::string>> rewrite_stored_header(MapHeaderAddress map, std::string_view header,
                                                  std::size_t token_limit)
{
    // What is stored was cut and completed when it came in.
    const HeaderRules rules{.drop = {},
                            .size_limit = header.size(),
                            .token_limit = token_limit,
                            .canonical_form = [](std::string_view address, auto) { return std::string(address); }};
    HeaderPass pass(rules, AddressRewriting::Local);
    std::vector<HeaderPlace> places;
    pass.note_addresses(&places);
    std::string text;
    const std::size_t taken = pass.feed(header, text);
    pass.finish(text);
    if (pass.end() == HeaderPass::End::EmptyLine)
        text += "\r\n";
    text.append(header.substr(taken));
    co_return co_await rewrite_header_addresses(std::move(map), std::move(text), std::move(places), token_limit);
}

}  // namespace posthaste::intake
