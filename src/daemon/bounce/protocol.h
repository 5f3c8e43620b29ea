// The contract of the bounce, defer and trace services (one program, three services; bounce(8)).
//
// Agents append one record per recipient that failed (bounce), was put off (defer) or is reported on (trace) before
// they mark the recipient. The queue manager asks for a report to be sent (Flush, Warn), or for a log to be dropped.
// Append is durable for bounce and trace when answered, so that a mark never outlives its reason; defer logs are
// advisory and not synced.
#pragma once

#include "ipc/connection.h"
#include "ipc/message.h"

#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::bounce {

inline constexpr ipc::Protocol bounce_protocol{"posthaste_bounce", 1};

enum class Command : std::uint8_t {
    Append = 0,  // add records to the log of this queue id
    Flush = 1,   // send the report that is owed (bounce: failure; trace: success or trace), then remove the log
    Warn = 2,    // defer: send a delay warning; the log stays
    Drop = 3,    // remove the log
    ConfirmDelayCleared = 4,  // trace: a success report to a sender who was told of a delay, then remove the log
    Incident = 5,             // a notice to the postmaster of what notify_classes names; no log
    Report = 6,  // send the sender that is named a failure notification of the records that are given; the log stays
};

struct Record {
    std::string recipient;
    std::string original_recipient;
    std::string dsn_orcpt;
    std::uint8_t notify = 0;
    std::string action;  // "failed", "delayed", "delivered", "relayed", "expanded", "deliverable", ...
    std::string code;    // enhanced status code
    std::string reason;  // text of the log line
    std::string remote_mta;
    std::string diagnostic_type;
    std::string diagnostic;
    std::int64_t time = 0;  // seconds since the epoch
    std::string transport;  // of the agent, as master.cf names it

    static constexpr auto fields = ipc::fields(
        ipc::field("recipient", &Record::recipient), ipc::field("original_recipient", &Record::original_recipient),
        ipc::field("dsn_orcpt", &Record::dsn_orcpt), ipc::field("notify", &Record::notify),
        ipc::field("action", &Record::action), ipc::field("code", &Record::code), ipc::field("reason", &Record::reason),
        ipc::field("remote_mta", &Record::remote_mta), ipc::field("diagnostic_type", &Record::diagnostic_type),
        ipc::field("diagnostic", &Record::diagnostic), ipc::field("time", &Record::time),
        ipc::field("transport", &Record::transport));
};

struct Request {
    Command command = Command::Append;
    std::string queue_id;
    std::string message;  // Flush, Warn, Report: queue::MessageRef::text() of the message to report on
    std::string sender;   // who gets the report; may differ from the envelope's (owner-, VERP). Incident: whose message
                          // was being delivered, if there was one
    std::vector<Record> records;  // Append, Report; Flush: those that the caller adds (expired recipients)
    std::string error_class;      // Incident: a word of notify_classes
    std::string subject;          // Incident: what follows the name of the mail system
    std::string text;             // Incident: lines that end with LF

    static constexpr auto fields =
        ipc::fields(ipc::field("command", &Request::command), ipc::field("queue_id", &Request::queue_id),
                    ipc::field("message", &Request::message), ipc::field("sender", &Request::sender),
                    ipc::field("records", &Request::records), ipc::field("error_class", &Request::error_class),
                    ipc::field("subject", &Request::subject), ipc::field("text", &Request::text));
};

struct Reply {
    bool ok = false;
    std::string error;            // when not ok: why; the caller keeps the message
    std::string notification_id;  // queue id of the report that was committed, empty if none was due

    static constexpr auto fields = ipc::fields(ipc::field("ok", &Reply::ok), ipc::field("error", &Reply::error),
                                               ipc::field("notification_id", &Reply::notification_id));
};

}  // namespace posthaste::bounce
