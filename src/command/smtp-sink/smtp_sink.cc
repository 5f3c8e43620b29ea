// smtp_sink.cc — see smtp_sink.h.
#include "command/smtp-sink/smtp_sink.h"

#include "command/smtp-sink/options.h"
#include "command/smtp-sink/sink.h"
#include "log/log.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tasks.h"
#include "server/identity.h"
#include "testmail/command_line.h"
#include "testmail/ledger.h"

#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <list>
#include <optional>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>
#include <utility>

namespace posthaste::command::smtp_sink {

namespace {

using testmail::die;

constexpr std::size_t largest_ledger = std::size_t{8} << 30;

template<class T>
T value_or_die(Result<T> result)
{
    if (!result)
        die(result.error().text());
    return std::move(*result);
}

// Everything that runs; destroyed before the sink that it uses.
struct Server {
    Server(Sink& shared, std::size_t connections) : sink(shared), free_places(connections) {}
    Sink& sink;
    net::Semaphore free_places;  // -m
    std::list<net::Listener> listeners;
    net::TaskGroup tasks;
};

Task<void> serve_client(Server& server, net::Stream stream, net::Endpoint peer)
{
    Session session(server.sink, std::move(stream), peer);
    co_await session.run();
    server.free_places.release();
}

Task<void> accept_clients(Server& server, net::Listener& listener)
{
    for (;;) {
        // Clients come and go as they like: no deadline. A listener without a client holds no place.
        static_cast<void>(co_await server.free_places.acquire(net::Deadline::never()));
        Result<std::optional<net::Listener::Accepted>> client = listener.accept_now();
        if (client && *client) {
            server.tasks.start(serve_client(server, std::move((*client)->stream), (*client)->peer));
            continue;
        }
        server.free_places.release();
        if (client) {
            static_cast<void>(co_await listener.wait(net::Deadline::never()));
            continue;
        }
        log::warning("{}", client.error().text());
        co_await net::sleep_for(std::chrono::seconds(1));
    }
}

void listen(Server& server, const Options& options)
{
    for (const net::Endpoint& endpoint :
         testmail::endpoints(options.destination, testmail::Role::Server, options.family)) {
        UniqueFd fd = value_or_die(net::listen_on(endpoint, {.backlog = options.backlog}));
        if (options.window > 0 && !endpoint.is_unix() &&
            (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &options.window, sizeof options.window) != 0 ||
             ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &options.window, sizeof options.window) != 0))
            die("cannot set the TCP window size");
        server.listeners.emplace_back(std::move(fd));
    }
}

// -R and -u, once all that root is needed for is open.
void give_up_root(const Options& options)
{
    std::optional<server::Identity> identity;
    if (!options.user.empty()) {
        Result<server::Identity> found = server::find_user(options.user);
        if (!found)
            die(fmt::format("unknown user: {}", options.user));
        identity = std::move(*found);
    }
    if (!options.root_directory.empty())
        if (Result<void> jailed = server::enter_jail(options.root_directory); !jailed)
            die(jailed.error().text());
    if (identity)
        if (Result<void> done = server::become(*identity); !done)
            die(done.error().text());
}

int check(const Options& options)
{
    std::string source = value_or_die(read_file(options.source_ledger, largest_ledger));
    std::string sink = value_or_die(read_file(options.sink_ledger, largest_ledger));
    testmail::Comparison comparison = testmail::compare(source, sink);
    fmt::print("{}", testmail::report(comparison));
    return comparison.missing.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int run(int argc, char** argv)
{
    log::init({.program = "smtp-sink", .to_log = false});
    const Options options = parse_options(argc, argv);
    if (!options.source_ledger.empty())
        return check(options);
    if (::getuid() == 0 && options.user.empty())
        die("-u option is required if running as root");
    log::init({.program = "smtp-sink", .to_log = false, .verbosity = options.verbosity});
    ::openlog("smtp-sink", LOG_PID | LOG_NDELAY, LOG_MAIL);
    testmail::raise_descriptor_limit();

    std::optional<testmail::Ledger> ledger;
    if (!options.ledger.empty())
        ledger = value_or_die(testmail::Ledger::open(options.ledger));
    Sink sink(options, std::move(ledger));
    Server server(sink, options.connections);
    listen(server, options);
    give_up_root(options);

    net::Loop& loop = net::Loop::current();
    if (options.counters)
        loop.before_wait([] { static_cast<void>(std::fflush(stdout)); });
    for (net::Listener& listener : server.listeners)
        server.tasks.start(accept_clients(server, listener));
    loop.run();
    return EXIT_SUCCESS;
}

}  // namespace posthaste::command::smtp_sink
