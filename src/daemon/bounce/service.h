// bounce(8): the logs of what became of recipients, and the notifications that are made of them. One program, three
// services: bounce (failures), defer (delays), trace (successes and reports on request). protocol.h is the contract.
//
// Requests of one connection run side by side, so that their syncs overlap, and are answered in order.
#pragma once

#include "daemon/bounce/log_store.h"
#include "daemon/bounce/notifier.h"
#include "daemon/bounce/protocol.h"
#include "queue/reader.h"
#include "server/server.h"

#include <memory>
#include <string>

namespace posthaste::bounce {

class Service {
public:
    explicit Service(server::Context& context) : context_(context) {}

    Result<void> before_jail();
    Result<void> after_jail();
    Task<void> serve(net::Stream client, net::Endpoint peer);
    // What was read of requests is done and answered: a report whose answer is lost would be made a second time.
    Task<void> leaving();

private:
    enum class Role : std::uint8_t { Bounce, Defer, Trace };
    struct Session;
    [[nodiscard]] Role role() const;
    Task<void> answer(std::shared_ptr<Session> session, std::size_t position, Request request);
    static Task<void> write_answers(std::shared_ptr<Session> session);
    Task<Reply> perform(Request request);
    Task<Result<std::string>> notify(Request request);
    Task<Result<std::string>> report(Request request);
    Task<Result<std::string>> report_incident(Request request);
    Result<void> open_queue();
    Task<Result<queue::StoredMessage>> open_message(std::string reference);

    server::Context& context_;
    Role role_ = Role::Bounce;
    std::unique_ptr<intake::Pipeline> pipeline_;
    dsn::NotificationTemplates templates_;
    std::unique_ptr<Notifier> notifier_;
    std::unique_ptr<LogStore> logs_;
    std::unique_ptr<queue::Reader> reader_;
    net::TaskGroup tasks_;
};

}  // namespace posthaste::bounce
