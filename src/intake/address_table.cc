// Tables that replace addresses by addresses, see address_table.h.
#include "intake/address_table.h"

#include "address/header_list.h"
#include "base/text.h"
#include "base/trace.h"
#include "param/basics.h"
#include "param/rewrite.h"
#include "routing/owner_and_request.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace posthaste::intake {

namespace {

// "user@domain" with "+ext" put behind its local part.
std::string with_extension(std::string_view address, std::string_view extension)
{
    auto parts = address::split_at_domain(address);
    std::string out(parts.local_part);
    out += extension;
    if (parts.has_domain)
        out.append("@").append(parts.domain);
    return out;
}

}  // namespace

bool lists_word(std::string_view list, std::string_view word)
{
    return std::ranges::any_of(split(list, ", \t\r\n"), [word](auto item) { return equal_ignoring_case(item, word); });
}

Result<AddressTable> AddressTable::open(std::string_view parameter, const std::string& text,
                                        const config::Config& config, routing::Router& router, Extensions extensions)
{
    AddressTable table;
    TRY(table.maps_, table::Maps::open(text));
    table.router_ = &router;
    table.parameter_ = parameter;
    table.delimiter_ = config.get(param::recipient_delimiter);
    table.origin_ = config.get(param::myorigin);
    table.extensions_ = extensions;
    table.names_ = routing::owner_and_request(config);
    return table;
}

// canonical(5), virtual(5): "site is equal to $myorigin, listed in $mydestination, or an address of this machine".
Task<Result<bool>> AddressTable::is_of_this_machine(std::string_view address) const
{
    auto parts = address::split_at_domain(address);
    if (!parts.has_domain)
        co_return false;
    if (equal_ignoring_case(parts.domain, origin_))
        co_return true;
    CO_TRY(routing::AddressClass found, co_await router_->class_of(std::string(parts.domain)));
    co_return found == routing::AddressClass::Local;
}

Task<Accepted<std::vector<std::string>>> AddressTable::find(std::string address)
{
    std::vector<std::string> results;
    if (maps_.empty())
        co_return results;
    CO_TRY(bool local, co_await is_of_this_machine(address));
    table::AddressSearch search{.order = table::AddressOrder::Canonical,
                                .recipient_delimiter = delimiter_,
                                .domain_is_local = local,
                                .names = names_};
    trace::Step step(parameter_, address);
    CO_TRY(auto hit, co_await maps_.find_address(address, search));
    if (!hit)
        co_return results;
    // What is found for a whole site is for everybody: it gets no extension.
    const bool extends = extensions_ == Extensions::Propagate && !hit->key.starts_with('@');
    std::string_view value = hit->value;
    for (const auto& listed : address::parse_address_list(value).addresses) {
        std::string result =
            listed.valid ? listed.address : std::string(value.substr(listed.begin, listed.end - listed.begin));
        if (!listed.valid && !result.starts_with('@'))
            continue;
        if (result.starts_with('@'))
            result.insert(0, address::split_at_domain(address).local_part);
        else if (extends && !hit->extension.empty())
            result = with_extension(result, hit->extension);
        results.push_back(router_->canonical_form(result, routing::RewriteContext::Local));
    }
    if (step)
        step.result(fmt::format("{}", fmt::join(results, ", ")));
    if (results.empty()) {
        Rejection rejection = Rejection::alias_expansion();
        rejection.detail = fmt::format("{}: no address in \"{}\" for {}", parameter_, value, address);
        co_return std::unexpected(std::move(rejection));
    }
    co_return results;
}

}  // namespace posthaste::intake
