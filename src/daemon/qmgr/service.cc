// service.cc — see service.h.
#include "daemon/qmgr/service.h"

#include "log/events_delivery.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/qmgr.h"
#include "param/services.h"
#include "server/log_setup.h"
#include "server/queue_options.h"

#include <utility>

namespace posthaste::qmgr {

namespace {

constexpr std::chrono::seconds lock_patience{30};  // an earlier queue manager may be on its way out
constexpr std::chrono::milliseconds lock_pause{200};
constexpr std::chrono::seconds report_patience{10};         // less than lock_patience: a successor waits
constexpr std::chrono::seconds report_patience_at_stop{6};  // less than the runtime's: what is marked is still synced
constexpr std::chrono::minutes tool_patience{10};
constexpr std::size_t unread_at_once = 200;  // in a listing: some milliseconds, and then mail goes on
constexpr std::chrono::milliseconds unread_pause{1};
constexpr std::chrono::seconds pass_on_patience{60};

}  // namespace

// postconf(5) queue_service_name: the service that has the queue. Others of the same program (a master.cf may have
// several) listen under their names and pass on what they hear.
bool Service::is_alias() const { return context_->service_name != context_->config->get(param::queue_service_name); }

Result<void> Service::before_jail()
{
    if (is_alias())
        return {};
    TRY(snapshot_, QueueManager::read(context_->config));
    return {};
}

Result<void> Service::after_jail()
{
    if (is_alias())
        return {};
    log::set_delay_resolution(context_->config->get(param::delay_logging_resolution_limit));
    const net::Deadline deadline = net::Deadline::after(lock_patience);
    for (bool told = false;;) {
        auto manager = QueueManager::open(snapshot_, server::queue_options(*context_->config));
        if (manager) {
            manager_ = std::move(*manager);
            snapshot_.reset();
            return manager_->start();
        }
        if (manager.error().kind() != ErrorKind::Exists || deadline.passed())
            return fail(std::move(manager).error());
        if (!std::exchange(told, true))
            log::info("{}: waiting up to {} seconds for it to end", manager.error().text(), lock_patience.count());
        ::usleep(std::chrono::duration_cast<std::chrono::microseconds>(lock_pause).count());
    }
}

Task<void> Service::main()
{
    // Until the process is told to leave; its successor waits for the queue's lock.
    static_cast<void>(co_await context_->leave_event.wait(net::Deadline::never()));
}

Task<void> Service::leaving()
{
    const bool stop = context_->leaving() == server::Leaving::Soon;
    if (manager_)
        co_await manager_->wind_up(net::Deadline::after(stop ? report_patience_at_stop : report_patience));
}

Task<Result<void>> Service::on_reload(std::shared_ptr<const config::Config> config)
{
    if (context_->chrooted)
        co_return fail(ErrorKind::Denied, "the jail hides master.cf and tables");
    log::set_delay_resolution(config->get(param::delay_logging_resolution_limit));
    server::set_log_address_form(*config);
    if (manager_)
        co_return manager_->configure(std::move(config));
    co_return Result<void>{};
}

std::chrono::seconds Service::watchdog() const { return context_->config->get(param::qmgr_daemon_timeout); }

Task<void> Service::serve(net::Stream client, net::Endpoint)
{
    if (!manager_) {
        co_await pass_on(std::move(client));
        co_return;
    }
    // Writers keep their connection for hints open as long as they live.
    if (!co_await client.fill(net::Deadline::never()))
        co_return;
    const char first = client.buffered().front();
    if (first >= '0' && first <= '9')
        co_await serve_tool(std::move(client));
    else
        co_await serve_hints(std::move(client));
}

// Only hints: tools find the queue manager by its own name.
Task<void> Service::pass_on(net::Stream client)
{
    const std::string path = "public/" + context_->config->get(param::queue_service_name);
    auto where = net::Endpoint::unix_path(path);
    if (!where)
        co_return;
    auto target = co_await net::connect(*where, net::Deadline::after(pass_on_patience));
    while (target && co_await client.fill(net::Deadline::never())) {
        const std::string hints(client.buffered());
        client.consume(hints.size());
        if (!co_await target->write_all(hints, net::Deadline::after(pass_on_patience)))
            co_return;  // the writer connects again, and the queue manager looks by itself every second
    }
}

Task<void> Service::serve_hints(net::Stream client)
{
    for (;;) {
        for (char hint : client.buffered())
            take_hint(hint);
        client.consume(client.buffered().size());
        if (!co_await client.fill(net::Deadline::never()))
            co_return;
    }
}

// 'J', 'I': a journal grew, a file came to incoming/. 'W': master's wake-up. 'D': look at deferred mail that is due.
// 'F': all deferred mail is due. 'A': dead destinations are tried again.
void Service::take_hint(char hint)
{
    if (hint == 'F' || hint == 'A')
        manager_->flush();
    else
        manager_->hint();
}

Task<void> Service::serve_tool(net::Stream client)
{
    ipc::Connection connection(std::move(client));
    if (auto hello = co_await connection.handshake(control_protocol, net::Deadline::after(tool_patience)); !hello) {
        log::warning("public/qmgr: {}", hello.error().text());
        co_return;
    }
    for (;;) {
        auto request = co_await connection.receive<ControlRequest>(net::Deadline::after(tool_patience));
        if (!request)
            co_return;
        if (request->command == Command::List) {
            if (!co_await list(connection.stream()))
                co_return;
            continue;
        }
        std::string answer;
        ipc::append_framed(answer, ipc::encode(co_await manager_->control(std::move(*request))));
        if (!co_await connection.stream().write_all(answer, net::Deadline::after(tool_patience)))
            co_return;
    }
}

Task<Result<void>> Service::list(net::Stream& client)
{
    auto unread = manager_->list_unread();
    std::vector<ListEntry> entries = manager_->list();
    do {
        std::string answer;
        for (const ListEntry& entry : entries)
            ipc::append_framed(answer, ipc::encode(entry));
        CO_TRY(co_await client.write_all(answer, net::Deadline::after(tool_patience)));
        entries = unread.next(unread_at_once);
        co_await net::sleep_for(unread_pause);
    } while (!entries.empty());
    std::string end;
    ipc::append_framed(end, ipc::encode(ListEntry{.last = true}));
    co_return co_await client.write_all(end, net::Deadline::after(tool_patience));
}

}  // namespace posthaste::qmgr
