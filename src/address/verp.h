// verp.h — variable envelope return paths (VERP_README): a sender address that names the recipient, so that a bounce
// tells whose address it was.
#pragma once

#include <string>
#include <string_view>

namespace posthaste::address {

// owner-list@origin.test, "+=", user@dom.test -> owner-list+user=dom.test@origin.test. All in internal form.
// `delimiters` has two characters; a sender or recipient without a domain is returned, or appended, as it is.
std::string verp_sender(std::string_view sender, std::string_view delimiters, std::string_view recipient);

}  // namespace posthaste::address
