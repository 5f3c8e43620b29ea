// The contract of the cleanup service (public/cleanup): a way into the queue for those who may not open it, such as
// local(8), which runs as root and forwards mail.
//
// The client announces cleanup_protocol and sends Submit messages; each is answered with one Reply, in order. The
// content is either that of a message that lies in the queue (`content_of`, nothing is copied through the socket),
// or `content_size` raw bytes that follow the Submit on the stream, in wire form and ending with CRLF. The reply
// comes after the commit: when it says ok, the message survives a power cut.
#pragma once

#include "ipc/connection.h"
#include "ipc/message.h"

#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::cleanup {

inline constexpr ipc::Protocol cleanup_protocol{"posthaste_cleanup", 1};

struct SubmitRecipient {
    std::string address;
    std::string original;
    std::string dsn_orcpt;
    std::uint8_t notify = 0;  // queue::Notify

    static constexpr auto fields = ipc::fields(
        ipc::field("address", &SubmitRecipient::address), ipc::field("original", &SubmitRecipient::original),
        ipc::field("dsn_orcpt", &SubmitRecipient::dsn_orcpt), ipc::field("notify", &SubmitRecipient::notify));
};

struct Submit {
    std::uint8_t origin = 3;  // queue::Origin; Forward
    std::string sender;
    std::string sender_full_name;
    std::string dsn_envid;
    std::uint8_t dsn_return = 0;  // queue::DsnReturn
    std::uint8_t encoding = 0;    // queue::BodyEncoding
    bool smtputf8 = false;
    bool local_rewrite_context = true;
    bool map_addresses = true;
    std::vector<SubmitRecipient> recipients;
    std::string headers;     // put above the content: whole lines with CRLF ("Received: ...", "Delivered-To: ...")
    std::string content_of;  // queue::MessageRef::text(); empty: raw bytes follow
    std::uint64_t content_size = 0;

    static constexpr auto fields = ipc::fields(
        ipc::field("origin", &Submit::origin), ipc::field("sender", &Submit::sender),
        ipc::field("sender_full_name", &Submit::sender_full_name), ipc::field("dsn_envid", &Submit::dsn_envid),
        ipc::field("dsn_return", &Submit::dsn_return), ipc::field("encoding", &Submit::encoding),
        ipc::field("smtputf8", &Submit::smtputf8), ipc::field("local_rewrite_context", &Submit::local_rewrite_context),
        ipc::field("map_addresses", &Submit::map_addresses), ipc::field("recipients", &Submit::recipients),
        ipc::field("headers", &Submit::headers), ipc::field("content_of", &Submit::content_of),
        ipc::field("content_size", &Submit::content_size));
};

struct Reply {
    bool ok = false;
    bool temporary = true;  // not ok: whether to try again
    std::string queue_id;
    int smtp_code = 0;
    std::string code;  // enhanced status code
    std::string text;  // why it was not accepted

    static constexpr auto fields =
        ipc::fields(ipc::field("ok", &Reply::ok), ipc::field("temporary", &Reply::temporary),
                    ipc::field("queue_id", &Reply::queue_id), ipc::field("smtp_code", &Reply::smtp_code),
                    ipc::field("code", &Reply::code), ipc::field("text", &Reply::text));
};

}  // namespace posthaste::cleanup
