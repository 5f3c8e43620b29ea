// protocol.h — the contract of private/rewrite: routing::Router for those who must not open tables (processes that
// keep root, third parties' helpers). One request, one reply, in order; requests may be pipelined.
#pragma once

#include "ipc/connection.h"
#include "ipc/message.h"
#include "routing/route.h"

#include <cstdint>
#include <string>

namespace posthaste::trivial_rewrite {

inline constexpr ipc::Protocol rewrite_protocol{"posthaste_rewrite", 1};

enum class Command : std::uint8_t {
    Resolve = 0,    // sender, address: where mail goes
    Canonical = 1,  // address: its canonical form
    Class = 2,      // address is a domain
    Check = 3,      // address: is it listed in the tables of its class?
};

struct Request {
    Command command = Command::Resolve;
    std::string sender;   // internal form
    std::string address;  // internal form; a domain for Class
    routing::RewriteContext context = routing::RewriteContext::Local;

    static constexpr auto fields =
        ipc::fields(ipc::field("command", &Request::command), ipc::field("sender", &Request::sender),
                    ipc::field("address", &Request::address), ipc::field("context", &Request::context));
};

struct Reply {
    bool ok = false;
    std::string error;  // when not ok: a table could not answer; try again later, never "unknown"
    // Resolve, Check; of Class only the class.
    routing::AddressClass address_class = routing::AddressClass::Default;
    std::string transport;
    std::string nexthop;
    bool sender_routed = false;
    bool malformed = false;
    std::string address;  // Resolve: the recipient for the agent; Canonical: the canonical form
    // Check.
    bool known = true;
    std::string code;
    std::string text;

    static constexpr auto fields = ipc::fields(
        ipc::field("ok", &Reply::ok), ipc::field("error", &Reply::error),
        ipc::field("address_class", &Reply::address_class), ipc::field("transport", &Reply::transport),
        ipc::field("nexthop", &Reply::nexthop), ipc::field("sender_routed", &Reply::sender_routed),
        ipc::field("malformed", &Reply::malformed), ipc::field("address", &Reply::address),
        ipc::field("known", &Reply::known), ipc::field("code", &Reply::code), ipc::field("text", &Reply::text));
};

}  // namespace posthaste::trivial_rewrite
