// Canonical tables and masquerading in the headers of a message, once its whole header is there: tables may have to be
// asked over a network, and the header is read without waiting.
#pragma once

#include "intake/address_rewriter.h"
#include "intake/header_pass.h"

#include <string>
#include <vector>

namespace posthaste::intake {

// `text` with the addresses in its headers at `places` rewritten; every other byte stays. At most token_limit tokens of
// each header are looked at (postconf(5) header_address_token_limit).
Task<Accepted<std::string>> rewrite_header_addresses(AddressRewriter* rewriter, std::string text,
                                                     std::vector<HeaderPlace> places, std::size_t token_limit);

}  // namespace posthaste::intake
