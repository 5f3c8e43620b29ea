// queue_manager.h — the heart of qmgr(8): which messages are active, and what becomes of them.
//
// New messages are read forward from the journal, due ones come back from deferred/; both only while there is room in
// the active queue (qmgr_message_active_limit). Each is routed and handed to the scheduler. When every delivery of a
// message is answered, its attempt is over: it is buried, reported to its sender, or put off.
//
// Why no mail is lost: nothing here acknowledges anything. A message is buried only when each of its recipients is
// marked done in the queue, or a report about it has been committed. Whatever is only in this memory (schedule,
// windows, wishes) is made again from the queue by the next start. Files: queue_manager.cc (reading, answers),
// recipients.cc (routing, and large messages piece by piece), deferred_files.cc (finding them), attempt_end.cc (what
// follows an attempt), administration.cc (what tools ask for).
#pragma once

#include "config/config.h"
#include "daemon/bounce/protocol.h"
#include "daemon/qmgr/control_protocol.h"
#include "daemon/qmgr/mail_clock.h"
#include "daemon/qmgr/parked_messages.h"
#include "daemon/qmgr/retry_schedule.h"
#include "daemon/qmgr/scheduler.h"
#include "ipc/connection.h"
#include "net/tasks.h"
#include "queue/store.h"
#include "routing/router.h"

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace posthaste::qmgr {

// Where the report services listen, and the agents. Paths below the queue directory, the working directory.
struct Surroundings {
    std::string private_directory = "private";
};

// One a process, made after the queue's lock is free; loop's thread only. Everything it starts belongs to its
// TaskGroup and ends with it.
class QueueManager : public DeliveryObserver {
public:
    using ConfigPtr = std::shared_ptr<const config::Config>;

    // What a state of main.cf gives, with open tables; routing under way keeps the old one alive.
    struct Snapshot;
    // Reads what a jail hides. Invalid: the configuration; errors of Router::open().
    static Result<std::shared_ptr<Snapshot>> read(ConfigPtr config, const Surroundings& surroundings = {});

    // Exists: another queue manager has the queue.
    static Result<std::unique_ptr<QueueManager>> open(std::shared_ptr<Snapshot> snapshot, queue::QueueOptions options,
                                                      Surroundings surroundings = {});
    ~QueueManager() override;

    // Begins at once; deferred mail is looked for meanwhile. Io: active/ cannot be read.
    Result<void> start();
    // The process is to end: reads no message and begins no report from now on, waits for reports and moves that are
    // under way, and makes durable what is marked. What is left of them at the deadline `reports` the next queue
    // manager asks for again; what is put off meanwhile it tries at once.
    Task<void> wind_up(net::Deadline reports);
    // A new snapshot takes effect at once. After an error the old one stays.
    Result<void> configure(ConfigPtr config);

    // There may be something new to read; many calls are one look.
    void hint();
    // `postqueue -f`: everything that is in the queue now is tried, dead destinations and defer_transports, too; what
    // is being tried and is put off is tried once more.
    void flush();

    // What tools ask for (administration.cc).
    std::vector<ListEntry> list();
    // What is not read yet, piece by piece: there may be very much of it. Begun in the same turn of the loop as list(),
    // both together are every message.
    class UnreadEntries {
    public:
        explicit UnreadEntries(queue::Store::UnreadList unread) : unread_(std::move(unread)) {}
        std::vector<ListEntry> next(std::size_t most);  // none: that was all

    private:
        queue::Store::UnreadList unread_;
    };
    UnreadEntries list_unread();
    Task<ControlReply> control(ControlRequest request);

    [[nodiscard]] std::size_t active() const { return active_.size(); }
    [[nodiscard]] std::size_t deferred() const { return schedule_.size(); }
    // Of deliveries that wait or are under way.
    [[nodiscard]] std::size_t recipients_in_memory() const { return scheduler_.recipients(); }

    void answered(std::unique_ptr<Delivery> delivery, const DeliveryReply& reply) override;
    void suspended(std::unique_ptr<Delivery> delivery, const std::string& transport, const std::string& code,
                   const std::string& reason) override;
    void lost(std::unique_ptr<Delivery> delivery, const std::string& transport, const std::string& nexthop) override;

private:
    QueueManager(std::shared_ptr<Snapshot> snapshot, std::unique_ptr<queue::Store> store, Surroundings surroundings);

    Task<void> keep_house();
    Task<void> keep_queue();

    // Reading.
    void read_more();
    std::size_t read_new(std::size_t most);
    std::size_t read_due(std::size_t most);
    [[nodiscard]] std::size_t room() const;
    [[nodiscard]] std::size_t room_for_deferred() const;
    [[nodiscard]] queue::RecipientBudget budget() const;
    enum class Source : unsigned char { New, Deferred, Parked };
    void admit(queue::LoadedMessage&& stored, Source source, const Notes& notes = {});
    void retry_parked();
    void park_stranded(const Notes& notes = {});

    // Finding deferred files (deferred_files.cc).
    void look_for_deferred();
    Task<void> list_deferred();
    void found_deferred(const queue::FileEntry& entry);

    // Recipients (recipients.cc).
    Task<void> route(ActiveMessage* message, std::shared_ptr<Snapshot> snapshot);
    Task<void> read_and_route(ActiveMessage* message);
    bool read_piece(ActiveMessage& message);
    void read_on(ActiveMessage& message);
    void stop_reading(ActiveMessage& message);
    // All recipients, from memory or from the queue. An error of the queue; then some were not called with.
    Result<void> for_each_recipient(const ActiveMessage& message,
                                    const std::function<void(std::size_t, const queue::Recipient&)>& callback);
    Task<routing::Route> route_recipient(const ActiveMessage* message, std::size_t recipient,
                                         std::shared_ptr<Snapshot> snapshot);

    void discard_double_bounce(ActiveMessage& message, std::size_t recipient);

    // Answers.
    void release(ActiveMessage& message);
    [[nodiscard]] bool is_still_held(const ActiveMessage& message);

    // The end of an attempt (attempt_end.cc).
    void attempt_over(ActiveMessage& message);
    bool put_off_rest(ActiveMessage& message);
    Task<void> settle(ActiveMessage* message);
    [[nodiscard]] bool is_expired(const ActiveMessage& message) const;
    [[nodiscard]] Seconds last_attempt(const ActiveMessage& message) const;
    [[nodiscard]] Seconds delay_warning_of(const ActiveMessage& message) const;
    Task<bool> report(ActiveMessage* message, std::vector<std::size_t> expired);
    Task<bool> record_expired(ActiveMessage* message, std::vector<std::size_t> expired,
                              std::vector<bounce::Record>* last);
    Task<bool> report_trace(ActiveMessage* message);
    Task<void> warn_of_delay(ActiveMessage* message);
    enum class ReportService : unsigned char { Bounce, Defer, Trace };
    Task<bool> ask(ReportService which, bounce::Request request);
    void remove(ActiveMessage& message);
    void bury(ActiveMessage& message);
    void bury_done();
    void bury_in_store(const queue::MessageRef& ref);
    void set_aside(ActiveMessage& message);
    void set_aside(const queue::MessageRef& ref, const Notes& notes);
    void put_off(ActiveMessage& message, queue::QueueName to, Seconds retry_at);
    Task<void> move_survivors();
    std::optional<Command> after_move(const queue::Store::Survivor& survivor, const Result<queue::MessageRef>& moved);
    void park(const queue::MessageRef& ref, Seconds due, Notes notes = {});
    void forget(ActiveMessage& message);
    void drop_logs(const std::string& queue_id);
    Task<void> drop_logs_of(std::string queue_id);

    // Administration (administration.cc).
    ControlOutcome apply_to_active(Command command, ActiveMessage& message);
    ControlOutcome apply_to_parked(Command command, ParkedMessages::Parked parked);
    void apply_to_unread(Command command, std::vector<ControlResult>& results);
    void expire(const queue::MessageRef& ref);
    bool apply_to_scheduled(Command command, const std::string& queue_id);
    Task<void> apply_to_files(Command command, std::vector<ControlResult*> results);

    std::shared_ptr<Snapshot> snapshot_;
    std::unique_ptr<queue::Store> store_;
    Surroundings surroundings_;
    Scheduler scheduler_;

    std::unordered_map<std::string, std::unique_ptr<ActiveMessage>> active_;  // by queue id
    std::size_t active_recipients_ = 0;  // that came into memory with their messages, not piece by piece
    std::size_t active_deferred_ = 0;    // messages that were tried before
    std::set<ActiveMessage*> partial_;   // not all recipients are in memory
    MailClock clock_;
    RetrySchedule schedule_;
    ParkedMessages parked_;
    std::unordered_set<std::string> changing_;          // deferred files in the hands of apply_to_files()
    std::vector<queue::MessageRef> done_;               // for bury_done() in this turn of the loop
    std::vector<queue::MessageRef> to_bury_;            // done, but the disk did not take it
    std::vector<queue::Store::Survivor> survivors_;     // the next batch for move_survivors()
    std::set<std::string, std::less<>> forced_expiry_;  // postsuper -e
    bool moving_ = false;
    bool reading_posted_ = false;
    bool recovering_ = true;  // an agent of an earlier queue manager may still be at work
    bool listing_ = false;    // deferred/ is being looked through
    bool flushing_ = false;   // what this listing finds is due
    bool listed_ = false;     // once, since the start
    net::Clock::time_point next_listing_{};
    std::shared_ptr<QueueManager*> self_;
    bool winding_up_ = false;
    net::Event house_may_end_;
    net::TaskGroup tasks_;
    net::TaskGroup house_;     // keep_house()
    net::TaskGroup settling_;  // what follows an attempt: wind_up() waits for it
};

bool is_final(const Error& error);
Seconds seconds_now();
Seconds seconds_of(queue::WallTime time);
std::int64_t microseconds_now();

}  // namespace posthaste::qmgr
