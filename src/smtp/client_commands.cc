// client_commands.cc — see client_commands.h.
#include "smtp/client_commands.h"

#include "address/fold.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace posthaste::smtp {

namespace {
constexpr std::string_view line_end = "\r\n";
}

std::string encode_xtext(std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        if (byte > 32 && byte < 127 && c != '+' && c != '=') {
            encoded += c;
        } else {
            encoded += '+';
            encoded += digits[byte >> 4];
            encoded += digits[byte & 0xf];
        }
    }
    return encoded;
}

namespace {

// RFC 3461 4.2; RFC 6533 3: an address that is not ASCII stands as it is, and only where SMTPUTF8 is offered.
void append_orcpt(std::string& out, std::string_view orcpt, const PeerExtensions& peer)
{
    const std::size_t type = orcpt.find(';');
    if (type == std::string_view::npos)
        return;
    const std::string_view address = orcpt.substr(type + 1);
    const bool ascii = address::is_ascii(address);
    if (ascii || peer.offered.has(Extension::Smtputf8))
        out.append(" ORCPT=").append(orcpt.substr(0, type + 1)).append(ascii ? encode_xtext(address) : address);
}

}  // namespace

void append_mail(std::string& out, const MailCommand& command, const PeerExtensions& peer)
{
    out.append("MAIL FROM:<").append(command.sender).append(">");
    if (peer.offered.has(Extension::Size) && command.size > 0)
        out.append(" SIZE=").append(std::to_string(command.size));
    if (peer.offered.has(Extension::EightBitMime) && command.eight_bit)
        out.append(" BODY=8BITMIME");
    if (peer.offered.has(Extension::Smtputf8) && command.smtputf8)
        out.append(" SMTPUTF8");
    if (peer.offered.has(Extension::Dsn)) {
        if (!command.envid.empty())
            out.append(" ENVID=").append(encode_xtext(command.envid));
        if (command.ret != Return::Unset)
            out.append(command.ret == Return::Full ? " RET=FULL" : " RET=HDRS");
    }
    out.append(line_end);
}

void append_rcpt(std::string& out, const RcptCommand& command, const PeerExtensions& peer)
{
    out.append("RCPT TO:<").append(command.recipient).append(">");
    if (peer.offered.has(Extension::Dsn)) {
        append_orcpt(out, command.orcpt, peer);
        if (command.notify != 0) {
            constexpr std::array<std::pair<std::uint8_t, std::string_view>, 4> words{{{notify_never, "NEVER"},
                                                                                      {notify_success, "SUCCESS"},
                                                                                      {notify_failure, "FAILURE"},
                                                                                      {notify_delay, "DELAY"}}};
            std::string_view separator = " NOTIFY=";
            for (auto [bit, word] : words) {
                if (!(command.notify & bit))
                    continue;
                out.append(separator).append(word);
                separator = ",";
            }
        }
    }
    out.append(line_end);
}

void append_xforward(std::string& out, const XforwardCommand& command, XforwardPart part, const PeerExtensions& peer)
{
    using Attributes = std::array<std::pair<std::string_view, std::string_view>, 4>;
    const Attributes client{{{"NAME", command.name}, {"ADDR", command.address}, {"PORT", command.port}, {}}};
    const Attributes session{{{"PROTO", command.protocol},
                              {"HELO", command.helo},
                              {"IDENT", command.ident},
                              {"SOURCE", command.local ? "LOCAL" : "REMOTE"}}};
    std::vector<std::string_view> offered = split(peer.xforward, " ");
    std::string attributes;
    for (auto [name, value] : part == XforwardPart::Client ? client : session) {
        if (std::ranges::find(offered, name) == offered.end())
            continue;
        bool known = !value.empty() && value != "unknown";
        attributes.append(" ").append(name).append("=").append(known ? encode_xtext(value) : "[UNAVAILABLE]");
    }
    if (!attributes.empty())
        out.append("XFORWARD").append(attributes).append(line_end);
}

}  // namespace posthaste::smtp
