// client_commands.h — the commands of a mail transaction as a client sends them. RFC 5321 4.1.1, RFC 1870, RFC 6152,
// RFC 3461, RFC 6531. Pure functions; each appends one line with CRLF.
#pragma once

#include "smtp/client_reply.h"
#include "smtp/mail_parameters.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::smtp {

struct MailCommand {
    std::string_view sender;  // external form; empty: <>
    std::uint64_t size = 0;   // bytes on the wire, RFC 1870; 0: not said
    bool eight_bit = false;   // the content has bytes above 127
    bool smtputf8 = false;    // needed by address or header
    Return ret = Return::Unset;
    std::string_view envid;
};
// Parameters that the peer did not offer are left out.
void append_mail(std::string& out, const MailCommand& command, const PeerExtensions& peer);

struct RcptCommand {
    std::string_view recipient;  // external form
    std::uint8_t notify = 0;     // NotifyBits
    std::string_view orcpt;      // "rfc822;user@domain", not encoded; empty: none
};
void append_rcpt(std::string& out, const RcptCommand& command, const PeerExtensions& peer);

// What a content filter is told about the client that the message came from (XFORWARD_README). Empty: not known.
struct XforwardCommand {
    std::string_view name, address, port, protocol, helo, ident;
    bool local = true;  // SOURCE: from inside
};
// The two halves of it, so that long names stay below the limit of a command line; attributes that the peer did not
// offer are left out, and nothing is appended where none is left.
enum class XforwardPart : std::uint8_t { Client, Session };
void append_xforward(std::string& out, const XforwardCommand& command, XforwardPart part, const PeerExtensions& peer);

// RFC 3461 4.
std::string encode_xtext(std::string_view text);

}  // namespace posthaste::smtp
