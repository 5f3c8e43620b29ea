// server.h — the skeleton of every service process. A daemon's main.cc is one line:
//
//     int main(int argc, char** argv) { return posthaste::server::run<posthaste::discard::Service>(argc, argv); }
//
// A Service is made from a Context and has those of these functions that it needs:
//
//     explicit Service(server::Context& context);   // no work here
//     static constexpr ProcessModel process_model;  // what maxproc means; ProcessModel::Processes if missing
//     Result<void> before_jail();     // still root, whole file system: tables, keys, resolver, journal locks
//     Result<void> after_jail();      // root and the file system outside of the queue are gone
//     Task<void> serve(net::Stream client, net::Endpoint peer);   // one client of a stream socket; many run at once
//     Task<void> datagram(std::string bytes);                     // one message of a unix-dgram socket; one at a time
//     Task<void> trigger(char request);     // a wake-up: 'W' from master, others from postdrop, postqueue, ...
//     Task<void> main();                    // own work beside clients; the process leaves when it returns. It watches
//                                           // leave_event, or is destroyed where it waits when the process leaves
//     Task<Result<void>> on_reload(std::shared_ptr<const config::Config> config);   // new main.cf in place; after an
//                                           // error, and without this function, the process leaves and is replaced
//     std::chrono::seconds watchdog() // how long the loop may stand still; daemon_timeout if missing
//     Task<void> leaving();                 // before the exit: finish, sync, hand over; bounded by stop's grace
//
// The order is: options, main.cf, log, chdir to queue_directory, constructor, before_jail, identity and chroot,
// after_jail, then clients. An error before the first client ends the process; master throttles the service. If a
// service has serve() and trigger(), a connection whose first byte is an upper-case letter is a trigger; ours begins
// with "protocol". The process leaves after max_idle without a client, unless it has main(); max_use is not applied:
// a process that serves many clients has no natural place to count to 100, and a reload replaces it anyway.
#pragma once

#include "net/endpoint.h"
#include "net/stream.h"
#include "server/context.h"
#include "server/master_protocol.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace posthaste::server {

// The Service as the runtime sees it: functions that are missing are empty.
struct Hooks {
    std::function<Result<void>()> before_jail;
    std::function<Result<void>()> after_jail;
    std::function<Task<void>(net::Stream, net::Endpoint)> serve;
    std::function<Task<void>(std::string)> datagram;
    std::function<Task<void>(char)> trigger;
    std::function<Task<void>()> main;
    std::function<Task<Result<void>>(Context::ConfigPtr)> on_reload;
    std::function<Task<void>()> leaving;
    std::function<std::chrono::seconds()> watchdog;
    ProcessModel model = ProcessModel::Processes;
};

// Makes the Service once the context is known, and its hooks. The pointer keeps the Service alive.
using MakeService = std::function<std::pair<std::shared_ptr<void>, Hooks>(Context&)>;
int run(int argc, char** argv, MakeService make);

template<class Service>
std::pair<std::shared_ptr<void>, Hooks> make_hooks(Context& context)
{
    auto service = std::make_shared<Service>(context);
    Service* s = service.get();
    Hooks hooks;
    if constexpr (requires { Service::process_model; })
        hooks.model = Service::process_model;
    if constexpr (requires { s->before_jail(); })
        hooks.before_jail = [s] { return s->before_jail(); };
    if constexpr (requires { s->after_jail(); })
        hooks.after_jail = [s] { return s->after_jail(); };
    if constexpr (requires { s->serve(net::Stream(), net::Endpoint()); })
        hooks.serve = [s](net::Stream client, net::Endpoint peer) { return s->serve(std::move(client), peer); };
    if constexpr (requires { s->datagram(std::string()); })
        hooks.datagram = [s](std::string bytes) { return s->datagram(std::move(bytes)); };
    if constexpr (requires { s->trigger('W'); })
        hooks.trigger = [s](char request) { return s->trigger(request); };
    if constexpr (requires { s->main(); })
        hooks.main = [s] { return s->main(); };
    if constexpr (requires { s->on_reload(Context::ConfigPtr()); })
        hooks.on_reload = [s](Context::ConfigPtr config) { return s->on_reload(std::move(config)); };
    if constexpr (requires { s->leaving(); })
        hooks.leaving = [s] { return s->leaving(); };
    if constexpr (requires { s->watchdog(); })
        hooks.watchdog = [s] { return s->watchdog(); };
    return {std::move(service), std::move(hooks)};
}

template<class Service>
int run(int argc, char** argv)
{
    return run(argc, argv, make_hooks<Service>);
}

}  // namespace posthaste::server
