// The contract between the SMTP server and anvil (private/anvil): counts and rates of clients, for a whole service.
//
// A caller keeps one connection and pipelines; anvil answers in order. Connections of clients belong to the
// connection that reported them: when it ends (the caller died), anvil takes them off the count.
#pragma once

#include "ipc/connection.h"
#include "ipc/message.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace posthaste::anvil {

inline constexpr ipc::Protocol protocol{"posthaste_anvil", 1};

enum class Event : std::uint8_t {
    Connect = 0,
    Disconnect = 1,
    Message = 2,
    Recipient = 3,
    NewTls = 4,
    NewTlsSoFar = 5
};
inline constexpr std::size_t counted_events = 5;  // NewTlsSoFar asks for the rate of NewTls, and counts nothing

struct Request {
    Event event = Event::Connect;
    std::string service;  // as in the log: "smtp", "127.0.0.1:10025"
    std::string client;   // address, or network where prefixes are shorter than addresses

    static constexpr auto fields =
        ipc::fields(ipc::field("event", &Request::event), ipc::field("service", &Request::service),
                    ipc::field("client", &Request::client));
};

struct Reply {
    int count = 0;  // simultaneous connections
    int rate = 0;   // events of this kind in the current anvil_rate_time_unit, this one included

    static constexpr auto fields = ipc::fields(ipc::field("count", &Reply::count), ipc::field("rate", &Reply::rate));
};

}  // namespace posthaste::anvil
