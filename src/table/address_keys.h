// address_keys.h — the keys under which an address is looked up, most specific first.
//
// The order is that of the manuals: canonical(5), virtual(5) and relocated(5) try user+ext@domain, user@domain,
// then user+ext and user when the domain is local, then @domain; access(5) and transport(5) try domains and parent
// domains. A pure function, so that it can be tested and shown (postmap does no such search).
//
// An address whose local part needs quotes is looked up in its quoted form first, then as it is without quotes,
// which is how tables written before Postfix 3.2 have it.
#pragma once

#include "address/local_part.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::table {

enum class AddressOrder : std::uint8_t {
    Canonical,  // canonical, virtual alias, relocated, generic, bcc, local recipients: full, user, @domain
    Mailbox,    // virtual mailboxes, sender-dependent maps: full, then @domain
    Access,     // access(5): full, domain and its parents, user@
    Transport,  // transport(5): full, domain and its parents, *
    Full,       // user+ext@domain and user@domain only
};

enum class ParentDomains : std::uint8_t {
    None,    // only the domain itself
    Dotted,  // .example.com stands for the subdomains of example.com
    Bare,    // example.com stands for its subdomains too (parent_domain_matches_subdomains)
};

struct AddressSearch {
    AddressOrder order = AddressOrder::Canonical;
    std::string_view recipient_delimiter;           // postconf(5): a set of characters, empty = no extensions
    bool domain_is_local = false;                   // Canonical: the bare user is looked up too
    ParentDomains parents = ParentDomains::Dotted;  // Access, Transport
    // Ordinary: owner-list and list-request have extensions, too, where '-' is a delimiter.
    address::OwnerAndRequest names = address::OwnerAndRequest::Special;
};

struct AddressKey {
    std::string text;
    std::string extension;  // with its delimiter, when the key leaves it out
    bool whole = false;     // the whole address: pattern tables are asked as well
};

// `address` is in internal form (no quotes): user@domain, or user alone. At most 2 + 4 per label of the domain.
std::vector<AddressKey> address_keys(std::string_view address, const AddressSearch& search);

// The keys for a host or domain name: the name, then its parents. Without the `*` of transport(5).
std::vector<AddressKey> domain_keys(std::string_view domain, ParentDomains parents);

}  // namespace posthaste::table
