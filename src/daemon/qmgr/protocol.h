// The contract between the queue manager and a delivery agent (private/<transport>).
//
// qmgr connects to the transport's socket, both announce `delivery_protocol`, and qmgr sends DeliveryRequest messages
// without waiting for answers. The agent may work on many at once and answers each with one DeliveryReply, in any
// order, matched by `id`. A request names the message and the recipients by their index in its envelope. The agent
// opens the message (queue::Reader), delivers, logs one line a recipient, appends to the bounce or defer log, marks,
// and only then answers. If the agent dies, qmgr sees the connection end and schedules again what is still Todo.
//
// An agent that is to leave (reload) reads no further request. It says so with a reply whose id is 0 and whose
// last_received is the highest id that it has read, answers what it has, and closes the connection. What came later is
// the successor's: qmgr sends it over a new connection.
#pragma once

#include "ipc/connection.h"
#include "ipc/message.h"

#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::qmgr {

inline constexpr ipc::Protocol delivery_protocol{"posthaste_delivery", 1};

// Postfix's reading of the word: what the agent is to do with a request.
// RecordAndDeliver: successes go to the trace service, for a sender who was told of a delay (confirm_delay_cleared).
enum class RequestKind : std::uint8_t {
    Deliver = 0,
    Verify = 1,
    TraceOnly = 2,
    TraceAndDeliver = 3,
    RecordAndDeliver = 4
};

struct RequestRecipient {
    std::uint32_t index = 0;  // in the envelope
    std::string address;      // as routed: after routing it may differ from the envelope's (for example relocated case)

    static constexpr auto fields =
        ipc::fields(ipc::field("index", &RequestRecipient::index), ipc::field("address", &RequestRecipient::address));
};

struct DeliveryRequest {
    std::uint64_t id = 0;   // chosen by qmgr: from 1, ascending on the connection
    std::string message;    // queue::MessageRef::text()
    std::string transport;  // service name, for instance "smtp" or "relay"
    std::string nexthop;
    std::string sender;  // may differ from the envelope (VERP, owner-)
    RequestKind kind = RequestKind::Deliver;
    std::int64_t active_since = 0;     // microseconds since the epoch: entered the active queue ("a" of delays= ends)
    std::int64_t agent_requested = 0;  // microseconds since the epoch: qmgr handed it over ("b" ends)
    std::vector<RequestRecipient> recipients;
    // How many agents have handed it on (server/hand_over.h). 0: it comes from the queue manager. Else the agent before
    // reports and marks; this one delivers and logs, and answers with all of the outcome.
    std::uint32_t handed_on = 0;

    static constexpr auto fields = ipc::fields(
        ipc::field("id", &DeliveryRequest::id), ipc::field("message", &DeliveryRequest::message),
        ipc::field("transport", &DeliveryRequest::transport), ipc::field("nexthop", &DeliveryRequest::nexthop),
        ipc::field("sender", &DeliveryRequest::sender), ipc::field("kind", &DeliveryRequest::kind),
        ipc::field("active_since", &DeliveryRequest::active_since),
        ipc::field("agent_requested", &DeliveryRequest::agent_requested),
        ipc::field("recipients", &DeliveryRequest::recipients), ipc::field("handed_on", &DeliveryRequest::handed_on));
};

// What became of one recipient, as far as the scheduler needs to know; reasons are in the defer and bounce logs.
enum class RecipientResult : std::uint8_t { Done = 0, Deferred = 1, Bounced = 2 };

struct RecipientReply {
    std::uint32_t index = 0;
    RecipientResult result = RecipientResult::Deferred;
    std::string code;    // enhanced status code
    std::string reason;  // deferred, or handed on: the text of the log line
    // Only to an agent that has handed the recipient on: what its report needs (dsn/outcome.h).
    std::string relay{};
    std::string remote_mta{};
    std::string diagnostic_type{};
    std::string diagnostic{};
    bool is_relayed = false;
    bool notification_passed_on = false;

    static constexpr auto fields = ipc::fields(
        ipc::field("index", &RecipientReply::index), ipc::field("result", &RecipientReply::result),
        ipc::field("code", &RecipientReply::code), ipc::field("reason", &RecipientReply::reason),
        ipc::field("relay", &RecipientReply::relay), ipc::field("remote_mta", &RecipientReply::remote_mta),
        ipc::field("diagnostic_type", &RecipientReply::diagnostic_type),
        ipc::field("diagnostic", &RecipientReply::diagnostic), ipc::field("is_relayed", &RecipientReply::is_relayed),
        ipc::field("notification_passed_on", &RecipientReply::notification_passed_on));
};

struct DeliveryReply {
    std::uint64_t id = 0;             // 0: no answer, the agent leaves
    std::uint64_t last_received = 0;  // with id 0: of the last request that the agent has read
    std::vector<RecipientReply> recipients;
    // The destination as a whole did not work (connect failed, greeting 4xx, ...): counts against its concurrency
    // window and, when the window is down to zero, stops further attempts (qmgr(8), "dead" site).
    std::string destination_problem;  // empty: the destination is fine
    std::string destination_problem_code;
    // How many deliveries the agent works on at once (maxproc); qmgr does not send many more, so that what waits does
    // so where destinations take turns. 0: not said.
    std::uint32_t capacity = 0;
    // The agent could not look at the message (busy, gone, unreadable): nothing was tried.
    std::string message_problem;
    bool damaged = false;  // and never will: the stored message is not what was written

    static constexpr auto fields = ipc::fields(
        ipc::field("id", &DeliveryReply::id), ipc::field("last_received", &DeliveryReply::last_received),
        ipc::field("recipients", &DeliveryReply::recipients),
        ipc::field("destination_problem", &DeliveryReply::destination_problem),
        ipc::field("destination_problem_code", &DeliveryReply::destination_problem_code),
        ipc::field("capacity", &DeliveryReply::capacity),
        ipc::field("message_problem", &DeliveryReply::message_problem), ipc::field("damaged", &DeliveryReply::damaged));
};

}  // namespace posthaste::qmgr
