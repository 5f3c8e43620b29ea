// smtp_source.cc — see smtp_source.h.
#include "command/smtp-source/smtp_source.h"

#include "command/smtp-source/content.h"
#include "command/smtp-source/options.h"
#include "command/smtp-source/sessions.h"
#include "log/log.h"
#include "net/loop.h"
#include "net/tasks.h"
#include "testmail/command_line.h"
#include "testmail/ledger.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

namespace posthaste::command::smtp_source {

namespace {

template<class T>
T value_or_die(Result<T> result)
{
    if (!result)
        testmail::die(result.error().text());
    return std::move(*result);
}

Task<void> run_session(Run& run)
{
    Session session(run);
    co_await session.run();
}

Task<void> run_sessions(Run& run)
{
    net::TaskGroup sessions;
    for (std::int64_t i = std::min(run.options.sessions, run.options.messages); i > 0; --i)
        sessions.start(run_session(run));
    // Bounded by the deadlines of each session.
    static_cast<void>(co_await sessions.join(net::Deadline::never()));
}

}  // namespace

int run(int argc, char** argv)
{
    log::init({.program = "smtp-source", .to_log = false});
    const Options options = parse_options(argc, argv);
    log::init({.program = "smtp-source", .to_log = false, .verbosity = options.verbosity});
    testmail::raise_descriptor_limit();
    std::optional<testmail::Ledger> ledger;
    if (!options.ledger.empty())
        ledger = value_or_die(testmail::Ledger::open(options.ledger));
    Run run(options, value_or_die(Content::make(options)),
            testmail::endpoints(options.destination, testmail::Role::Client, options.family), std::move(ledger));
    net::Loop::current().before_wait([&run] { run.before_wait(); });
    net::run_until_done(run_sessions(run));
    run.before_wait();
    return EXIT_SUCCESS;
}

}  // namespace posthaste::command::smtp_source
