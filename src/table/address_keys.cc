// address_keys.cc — see address_keys.h.
#include "table/address_keys.h"

#include <algorithm>

namespace posthaste::table {

namespace {

// One address form, split: the local part with and without its extension, and the domain.
struct Parts {
    std::string_view local;
    std::string_view user;
    std::string_view extension;  // with its delimiter
    std::string_view domain;
    bool has_domain = false;
};

Parts split_address(std::string_view address, std::string_view delimiters, address::OwnerAndRequest names)
{
    Parts parts{.local = address};
    if (std::size_t at = address.rfind('@'); at != std::string_view::npos) {
        parts.local = address.substr(0, at);
        parts.domain = address.substr(at + 1);
        parts.has_domain = true;
    }
    auto [user, extension] = address::split_extension(parts.local, delimiters, names);
    parts.user = user;
    parts.extension = extension;
    return parts;
}

class KeyBuilder {
public:
    KeyBuilder(std::vector<AddressKey>& keys, const Parts& parts) : keys_(keys), parts_(parts) {}

    void full()
    {
        std::string suffix = parts_.has_domain ? "@" + std::string(parts_.domain) : std::string();
        keys_.push_back({.text = std::string(parts_.local) + suffix, .extension = {}, .whole = true});
        without_extension(suffix);
    }
    // user+ext<suffix>, user<suffix>
    void local_part(std::string_view suffix)
    {
        keys_.push_back({.text = std::string(parts_.local) + std::string(suffix)});
        without_extension(suffix);
    }
    void add(std::string text)
    {
        keys_.push_back({.text = std::move(text), .extension = std::string(parts_.extension)});
    }

private:
    void without_extension(std::string_view suffix)
    {
        if (!parts_.extension.empty())
            add(std::string(parts_.user) + std::string(suffix));
    }

    std::vector<AddressKey>& keys_;
    const Parts& parts_;
};

void append_keys(std::vector<AddressKey>& keys, std::string_view address, const AddressSearch& search)
{
    Parts parts = split_address(address, search.recipient_delimiter, search.names);
    KeyBuilder builder(keys, parts);
    builder.full();
    if (!parts.has_domain)
        return;
    switch (search.order) {
    case AddressOrder::Canonical:
        if (search.domain_is_local)
            builder.local_part("");
        builder.add("@" + std::string(parts.domain));
        break;
    case AddressOrder::Mailbox: builder.add("@" + std::string(parts.domain)); break;
    case AddressOrder::Access:
        std::ranges::move(domain_keys(parts.domain, search.parents), std::back_inserter(keys));
        builder.local_part("@");
        break;
    case AddressOrder::Transport:
        std::ranges::move(domain_keys(parts.domain, search.parents), std::back_inserter(keys));
        builder.add("*");
        break;
    case AddressOrder::Full: break;
    }
}

}  // namespace

std::vector<AddressKey> domain_keys(std::string_view domain, ParentDomains parents)
{
    std::vector<AddressKey> keys;
    keys.push_back({.text = std::string(domain)});
    if (parents == ParentDomains::None || domain.starts_with('['))
        return keys;
    for (std::size_t dot = domain.find('.', 1); dot != std::string_view::npos && dot + 1 < domain.size();
         dot = domain.find('.', dot + 1))
        keys.push_back({.text = std::string(domain.substr(parents == ParentDomains::Dotted ? dot : dot + 1))});
    return keys;
}

std::vector<AddressKey> address_keys(std::string_view address, const AddressSearch& search)
{
    std::vector<AddressKey> keys;
    if (address.empty())
        return keys;
    std::string external = address::quote(address);
    append_keys(keys, external, search);
    if (external != address)
        append_keys(keys, address, search);
    return keys;
}

}  // namespace posthaste::table
