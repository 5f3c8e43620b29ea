// Recipients that a user has written down, on the command line or in a header.
//
// Nothing is left out without a word: what is no address becomes recipients all the same, one for each of its words,
// which the mail system returns as undeliverable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthaste::command::sendmail {

// The addresses of an RFC 5322 list, in internal form; "<>" is none.
std::vector<std::string> listed_recipients(std::string_view list);

}  // namespace posthaste::command::sendmail
