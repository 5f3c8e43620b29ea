// canonical.cc — see canonical.h.
#include "routing/canonical.h"

#include "base/text.h"
#include "base/trace.h"
#include "net/endpoint.h"

#include <algorithm>

namespace posthaste::routing {

namespace {

enum class Occurrence : unsigned char { First, Last };

std::size_t find_unquoted(std::string_view text, char wanted, Occurrence occurrence)
{
    std::size_t found = std::string_view::npos;
    bool quoted = false;
    bool literal = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '\\') {
            ++i;
        } else if (c == '"' && !literal) {
            quoted = !quoted;
        } else if (!quoted && c == '[') {
            literal = true;
        } else if (!quoted && c == ']') {
            literal = false;
        } else if (!quoted && !literal && c == wanted) {
            found = i;
            if (occurrence == Occurrence::First)
                return found;
        }
    }
    return found;
}

// One step of completing an address, for whoever watches.
std::string completed(std::string_view parameter, std::string_view from, std::string to)
{
    trace::Step step(parameter, from);
    step.result(to);
    return to;
}

// An address without a domain gets one: from what its local part says, else from the context.
std::string with_domain(std::string_view address, const RewriteRules& rules)
{
    if (rules.swap_bangpath) {
        std::size_t bang = find_first_unquoted(address, '!');
        if (bang != std::string_view::npos && bang > 0 && bang + 1 < address.size())
            return completed("swap_bangpath", address,
                             std::string(address.substr(bang + 1)) + "@" + std::string(address.substr(0, bang)));
    }
    if (rules.percent_hack) {
        std::size_t percent = find_last_unquoted(address, '%');
        if (percent != std::string_view::npos && percent > 0 && percent + 1 < address.size()) {
            std::string result(address);
            result[percent] = '@';
            return completed("allow_percent_hack", address, std::move(result));
        }
    }
    if (rules.origin.empty())
        return std::string(address);
    return completed("append_at_myorigin", address, std::string(address) + "@" + rules.origin);
}

bool is_valid_label(std::string_view label)
{
    constexpr std::size_t longest_label = 63;
    if (label.empty() || label.size() > longest_label || label.front() == '-' || label.back() == '-')
        return false;
    return std::ranges::all_of(label, [](char c) {
        return is_ascii_alnum(c) || c == '-' || c == '_' || static_cast<unsigned char>(c) > 0x7f;
    });
}

}  // namespace

std::size_t find_last_unquoted(std::string_view external_address, char wanted)
{
    return find_unquoted(external_address, wanted, Occurrence::Last);
}

std::size_t find_first_unquoted(std::string_view external_address, char wanted)
{
    return find_unquoted(external_address, wanted, Occurrence::First);
}

std::string_view without_source_route(std::string_view address)
{
    while (address.starts_with('@')) {
        std::size_t colon = find_first_unquoted(address, ':');
        if (colon == std::string_view::npos || colon + 1 == address.size())
            break;
        address.remove_prefix(colon + 1);
    }
    return address;
}

std::string rewrite_to_standard_form(std::string_view external_address, const RewriteRules& rules)
{
    if (external_address.empty())
        return {};
    std::string address(without_source_route(external_address));
    if (find_last_unquoted(address, '@') == std::string::npos)
        address = with_domain(address, rules);
    std::size_t at = find_last_unquoted(address, '@');
    if (at == std::string::npos || at + 1 == address.size() || address[at + 1] == '[')
        return address;
    if (address.find('.', at) == std::string::npos) {
        if (!rules.domain.empty())
            address = completed("append_dot_mydomain", address, address + "." + rules.domain);
    } else if (address.ends_with('.')) {  // the root's dot: the name was complete
        address.pop_back();
    }
    return address;
}

bool is_valid_domain(std::string_view domain)
{
    constexpr std::size_t longest_domain = 255;
    if (domain.starts_with('['))
        return domain.ends_with(']') && net::Endpoint::ip(domain, 0).has_value();
    if (domain.empty() || domain.size() > longest_domain)
        return false;
    if (std::ranges::all_of(domain, [](char c) { return is_ascii_digit(c) || c == '.'; }))
        return false;
    for (std::size_t begin = 0;;) {
        std::size_t dot = domain.find('.', begin);
        if (!is_valid_label(domain.substr(begin, dot == std::string_view::npos ? dot : dot - begin)))
            return false;
        if (dot == std::string_view::npos)
            return true;
        begin = dot + 1;
    }
}

}  // namespace posthaste::routing
