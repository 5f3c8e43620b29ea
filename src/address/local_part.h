// local_part.h — the two forms of an address and its parts. RFC 5321 4.1.2, RFC 5322 3.4.1.
//
// Internal form: no quotes, no backslashes; the domain is what follows the last '@'. Envelope and queue have it.
// External form: the local part quoted where the grammar asks for it. SMTP, headers, log and table keys have it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace posthaste::address {

// user@domain split at its last '@'; domain is empty and has_domain false when there is none.
struct Split {
    std::string_view local_part;
    std::string_view domain;
    bool has_domain = false;
};
Split split_at_domain(std::string_view address);

// True if the local part is a dot-string (RFC 5321), so that it needs no quotes. Bytes above 0x7f count as letters
// (RFC 6531).
bool is_dot_string(std::string_view local_part);

// Internal to external: quotes the local part when it has to be quoted. An empty address stays empty.
std::string quote(std::string_view address);
std::string quote_local_part(std::string_view local_part);
// External to internal: removes quotes and backslashes from the local part.
std::string unquote(std::string_view address);

// "user+ext" with recipient_delimiter "+-": {"user", "+ext"}; {whole, ""} when there is nothing to split. Names with
// a meaning of their own are left whole: mailer-daemon, double-bounce, and with '-' also owner-list and
// list-request (aliases(5)).
enum class OwnerAndRequest : std::uint8_t { Special, Ordinary };  // postconf(5) owner_request_special
std::pair<std::string_view, std::string_view> split_extension(std::string_view local_part,
                                                              std::string_view recipient_delimiter,
                                                              OwnerAndRequest names = OwnerAndRequest::Special);

}  // namespace posthaste::address
