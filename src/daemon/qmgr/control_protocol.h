// control_protocol.h — what the queue's tools (postqueue, postsuper, showq) ask of a running queue manager.
//
// They connect to public/qmgr, where the one-letter triggers arrive as well: a trigger is an upper-case letter, this
// protocol begins with a digit. Requests are answered in order: List with one ListEntry a message and one that only
// says that it is the last, every other command with one ControlReply.
//
// List names what lies in the queue manager's hands: active messages, those that wait in place, and those in the
// journal that it has not read yet. Messages in incoming/, deferred/ and hold/ are files, which tools read themselves.
#pragma once

#include "ipc/connection.h"
#include "ipc/message.h"

#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::qmgr {

inline constexpr ipc::Protocol control_protocol{"posthaste_queue_control", 1};

enum class Command : std::uint8_t {
    List = 0,      // no queue ids: everything
    Remove = 1,    // postsuper -d
    Hold = 2,      // postsuper -h
    Release = 3,   // postsuper -H; takes back a hold that is not done yet
    Requeue = 4,   // postsuper -r: route again, now
    Retry = 5,     // postqueue -i: deferred mail is due now
    Expire = 6,    // postsuper -e: returned to the sender after the next attempt that does not deliver it
    RetryAll = 7,  // postqueue -f
};

struct ControlRequest {
    Command command = Command::List;
    std::vector<std::string> queue_ids;  // what is not named is not changed, so that no request says "all" by mistake

    static constexpr auto fields = ipc::fields(ipc::field("command", &ControlRequest::command),
                                               ipc::field("queue_ids", &ControlRequest::queue_ids));
};

struct ListedRecipient {
    std::string address;
    std::string original;
    std::string delay_reason;  // why the last attempt did not work; empty: not known here

    static constexpr auto fields = ipc::fields(ipc::field("address", &ListedRecipient::address),
                                               ipc::field("original", &ListedRecipient::original),
                                               ipc::field("delay_reason", &ListedRecipient::delay_reason));
};

// One message with the recipients that are not done. The entry that ends the list has `last` and nothing else.
struct ListEntry {
    bool last = false;
    std::string queue_name;  // "active"; "incoming" where it waits in place or is not read yet
    std::string queue_id;
    std::int64_t arrival_time = 0;  // seconds since the epoch
    std::uint64_t message_size = 0;
    std::string sender;
    bool forced_expire = false;
    bool to_be_held = false;  // postsuper -h was asked for and is done when the delivery is over
    std::vector<ListedRecipient> recipients;

    static constexpr auto fields =
        ipc::fields(ipc::field("last", &ListEntry::last), ipc::field("queue_name", &ListEntry::queue_name),
                    ipc::field("queue_id", &ListEntry::queue_id), ipc::field("arrival_time", &ListEntry::arrival_time),
                    ipc::field("message_size", &ListEntry::message_size), ipc::field("sender", &ListEntry::sender),
                    ipc::field("forced_expire", &ListEntry::forced_expire),
                    ipc::field("to_be_held", &ListEntry::to_be_held), ipc::field("recipients", &ListEntry::recipients));
};

enum class ControlOutcome : std::uint8_t {
    Done = 0,
    NotFound = 1,  // no such message, or not in a queue that the command applies to
    Pending = 2,   // a delivery is under way: it happens when that is over
    Failed = 3,    // the file system said no; logged
};

struct ControlResult {
    std::string queue_id;
    ControlOutcome outcome = ControlOutcome::NotFound;

    static constexpr auto fields =
        ipc::fields(ipc::field("queue_id", &ControlResult::queue_id), ipc::field("outcome", &ControlResult::outcome));
};

struct ControlReply {
    std::vector<ControlResult> results;  // in the order of the request

    static constexpr auto fields = ipc::fields(ipc::field("results", &ControlReply::results));
};

}  // namespace posthaste::qmgr
