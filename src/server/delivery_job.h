// delivery_job.h — one delivery request in the hands of an agent: the message, its recipients, and what became of
// each of them.
//
// An agent learns outcomes, and everything that follows from an outcome happens here, in the order that loses
// nothing: the reason goes to the bounce or defer service, the line to the log, the mark to the queue, and only then
// does the queue manager hear of it. If the process dies in between, the recipient is still Todo and is tried again.
//
// A Job lives as long as somebody holds its JobPtr, and holds the message's shared lock until the agent skeleton
// closes it. It belongs to the loop's thread and to one task at a time.
#pragma once

#include "daemon/bounce/protocol.h"
#include "daemon/qmgr/protocol.h"
#include "dsn/outcome.h"
#include "net/task.h"
#include "queue/reader.h"
#include "server/outcome_filter.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::server {

// Where an agent reports outcomes. One per process; outlives every Job. Paths are below the queue directory, which is
// the working directory of a daemon.
struct ReportServices {
    explicit ReportServices(bool soft_bounce, const std::string& bounce_socket = "private/bounce",
                            const std::string& defer_socket = "private/defer",
                            const std::string& trace_socket = "private/trace");

    ipc::Client bounce;
    ipc::Client defer;
    ipc::Client trace;
    bool soft_bounce;                       // postconf(5) soft_bounce: failures are put off, the sender hears nothing
    std::unique_ptr<OutcomeFilter> filter;  // null: outcomes are what the agent says
};

struct JobRecipient {
    std::uint32_t index = 0;                     // in the envelope
    std::string address;                         // as routed: deliver to this
    const queue::Recipient* envelope = nullptr;  // as received; lives as long as the message is open
};

// One of the destinations that a recipient stands for (aliases): a log line of its own, with orig_to=.
struct ExpandedOutcome {
    std::string address;
    dsn::Outcome outcome;
    // The owner of a list answers for it: no orig_to= in the log, and its failure is not the sender's to hear of.
    bool has_owner = false;
    bool is_known = false;  // from an earlier attempt: it stands in the log already
};

// What became of one recipient of a job.
struct RecipientOutcome {
    std::size_t recipient = 0;                // position in Job::recipients()
    dsn::Outcome outcome;                     // decides for the recipient as a whole
    std::vector<ExpandedOutcome> expanded{};  // where local(8) delivered to in its place; empty: to itself
    // The next system promised to send the success notification that NOTIFY=SUCCESS asks for (RFC 3461 5.2.2).
    bool notification_passed_on = false;
};
using Outcomes = std::vector<RecipientOutcome>;

class Job {
public:
    // Invalid: the request names recipients that the message does not have.
    static Result<std::shared_ptr<Job>> make(qmgr::DeliveryRequest request, queue::StoredMessage message,
                                             ReportServices& services);

    [[nodiscard]] const qmgr::DeliveryRequest& request() const { return request_; }
    [[nodiscard]] const queue::StoredMessage& message() const { return *message_; }
    [[nodiscard]] const queue::Envelope& envelope() const { return message_->envelope(); }
    [[nodiscard]] std::span<const JobRecipient> recipients() const { return recipients_; }
    // Who gets reports: the envelope's sender unless routing put another in its place (VERP, owner- aliases).
    [[nodiscard]] const std::string& sender() const { return request_.sender; }
    // sendmail -bv and address probes ask what would happen; nothing may be handed over.
    [[nodiscard]] bool verify_only() const;

    // Agents that connect to a peer say when a connection is being set up and when it stands: "c" and "d" of delays=.
    // The others say nothing: c is 0, d counts from the start.
    void connecting();
    void connected();
    // conn_use= of the log line: how many messages the session has carried, this one included; from 2 on it is shown.
    void connection_use(unsigned count) { connection_use_ = count; }
    // The destination as a whole does not work: the queue manager counts it against its concurrency window.
    void destination_problem(dsn::Code code, std::string_view text);

    // Settles recipients as soon as their outcome is known: reports, logs, marks. Each recipient once; what deliver()
    // returns is settled by the skeleton.
    Task<void> settle(Outcomes outcomes);
    // Sends the owner of a list a notification that a member has failed. False: not yet, the member must be put off.
    Task<bool> report_to_owner(std::string owner, ExpandedOutcome member);
    [[nodiscard]] bool is_settled(std::size_t recipient) const { return settled_[recipient]; }

    // The skeleton's part: what was not settled is deferred, the message's lock released, the answer handed out.
    Task<void> settle_rest();
    qmgr::DeliveryReply close();
    void sync_marks();

private:
    Job(qmgr::DeliveryRequest request, queue::StoredMessage message, ReportServices& services);
    void answer_agent(Outcomes outcomes);
    Task<void> settle_probe(Outcomes deliverable, Outcomes undeliverable);
    Task<void> settle_sent(Outcomes outcomes);
    Task<void> settle_failed(Outcomes outcomes);
    Task<void> settle_deferred(Outcomes outcomes, std::string_view status);
    Task<bool> append(ipc::Client& service, std::vector<bounce::Record> records);
    [[nodiscard]] bounce::Record record_of(const RecipientOutcome& item, std::string_view action) const;
    void add_failures(const RecipientOutcome& item, std::vector<bounce::Record>& records) const;
    void finish(const RecipientOutcome& item, std::string_view status, qmgr::RecipientResult result);
    void log_lines(const RecipientOutcome& item, std::string_view status) const;
    void log_line(const JobRecipient& recipient, const ExpandedOutcome& to, std::string_view status) const;

    qmgr::DeliveryRequest request_;
    std::optional<queue::StoredMessage> message_;
    ReportServices* services_;
    std::vector<JobRecipient> recipients_;
    std::vector<bool> settled_;
    qmgr::DeliveryReply reply_;
    std::int64_t started_;        // microseconds since the epoch, as all times of delays=
    std::int64_t connected_ = 0;  // 0: not yet, or never
    bool connects_ = false;
    unsigned connection_use_ = 0;
};
using JobPtr = std::shared_ptr<Job>;

// The same outcome for every recipient of a job.
Outcomes outcome_for_each(const Job& job, const dsn::Outcome& outcome);

}  // namespace posthaste::server
