// Tables and the addresses in the headers of a message, once its whole header is there: tables may have to be asked
// over a network, and the header is read without waiting. On the way in these are canonical tables and masquerading, on
// the way out smtp_generic_maps.
#pragma once

#include "intake/header_pass.h"
#include "intake/rejection.h"
#include "net/task.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::intake {

// What becomes of an address, in internal form, in a header of senders or of recipients.
using MapHeaderAddress = std::function<Task<Accepted<std::string>>(std::string address, HeaderRole role)>;

// `text` with the addresses in its headers at `places` rewritten; every other byte stays. At most token_limit tokens of
// each header are looked at (postconf(5) header_address_token_limit).
Task<Accepted<std::string>> rewrite_header_addresses(MapHeaderAddress map, std::string text,
                                                     std::vector<HeaderPlace> places, std::size_t token_limit);

// The same for the header of a message that is stored already: with the empty line at its end, if it has one.
Task<Accepted<std::string>> rewrite_stored_header(MapHeaderAddress map, std::string_view header,
                                                  std::size_t token_limit);

}  // namespace posthaste::intake
