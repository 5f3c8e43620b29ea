// content.h — a message in the form that a mailbox or a command gets it: own headers, then the content with local
// line ends. The content comes in wire form (CRLF).
#pragma once

#include "base/result.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace posthaste::mailbox {

struct ContentStyle {
    std::string line_end = "\n";
    bool quote_from = false;  // ">" before lines that begin with "From " (mbox)
    bool dot_stuff = false;   // "." before lines that begin with "." (pipe flags=.)
};

// Writes both to a descriptor, in pieces of about 64 KiB; stops at the first error.
Result<void> write_content(int fd, std::string_view headers, std::string_view content, const ContentStyle& style);
// The same into memory.
std::string local_form(std::string_view content, const ContentStyle& style);

// "From sender  Mon May 21 03:57:19 2018": the separator of an mbox, now in local time; MAILER-DAEMON for the null
// sender.
std::string from_line(std::string_view sender, std::string_view line_end = "\n");

// The headers that tell where a mailbox got the message from; those without a value are left out (local(8), pipe(8)
// flags=ROD). Addresses in internal form.
struct DeliveryHeaders {
    std::optional<std::string_view> return_path = std::nullopt;  // the sender; empty: <>
    std::optional<std::string_view> original_to = std::nullopt;  // queue::Recipient::original_address()
    std::optional<std::string_view> delivered_to = std::nullopt;
};
std::string delivery_headers(const DeliveryHeaders& headers, std::string_view line_end = "\n");

// What the Delivered-To: headers of the content say, in lower case.
std::set<std::string> delivered_to_addresses(std::string_view content);
// Whether some Delivered-To: header of the content names this address, ignoring case: a loop (local(8)).
bool was_delivered_to(std::string_view content, std::string_view address);

}  // namespace posthaste::mailbox
