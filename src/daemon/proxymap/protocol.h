// protocol.h — the contract of private/proxymap and private/proxywrite: tables for processes that cannot, or must not,
// open them. One request, one reply, in order; requests may be pipelined, and the connection is kept.
#pragma once

#include "ipc/connection.h"
#include "ipc/message.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::proxymap {

// "type:name" of a table that is configured as "proxy:type:name", however often that stands there.
inline constexpr std::string_view prefix = "proxy:";
inline std::string_view without_prefix(std::string_view table)
{
    while (table.starts_with(prefix))
        table.remove_prefix(prefix.size());
    return table;
}

inline constexpr ipc::Protocol proxymap_protocol{"posthaste_proxymap", 1};

enum class Command : std::uint8_t {
    Lookup = 0,
    Update = 1,  // proxywrite: key and value; an entry that is there is replaced
    Delete = 2,  // proxywrite: key
};

enum class Status : std::uint8_t {
    Ok = 0,
    NotFound = 1,  // the table certainly does not have the key
    Retry = 2,     // the table did not answer: a temporary error
    Bad = 3,       // no such command, or no such table type
    Denied = 4,    // the table is not approved: proxy_read_maps, proxy_write_maps
};

struct Request {
    Command command = Command::Lookup;
    std::string table;       // "type:name", without "proxy:"
    bool keep_case = false;  // the key counts as it is (postmap -f), and is not folded
    // Of Lookup: rules whose results have parts of the key ($1) in them are left out; aliases(5).
    bool no_substitutions = false;
    std::string key;
    std::string value;  // of Update

    static constexpr auto fields = ipc::fields(
        ipc::field("command", &Request::command), ipc::field("table", &Request::table),
        ipc::field("keep_case", &Request::keep_case), ipc::field("no_substitutions", &Request::no_substitutions),
        ipc::field("key", &Request::key), ipc::field("value", &Request::value));
};

inline constexpr std::int64_t no_owner = -1;

struct Reply {
    Status status = Status::Retry;
    std::string value;              // of Lookup
    std::string reason;             // of Retry and Bad
    std::int64_t owner = no_owner;  // the user id that the table's file belongs to; aliases(5): the rights of commands

    static constexpr auto fields =
        ipc::fields(ipc::field("status", &Reply::status), ipc::field("value", &Reply::value),
                    ipc::field("reason", &Reply::reason), ipc::field("owner", &Reply::owner));
};

}  // namespace posthaste::proxymap
