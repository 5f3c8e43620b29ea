// queue_commit.cc — how many messages a second the queue takes at full durability: N sessions, each committing one
// message after the other through one Writer. Prints one line a concurrency. Usage: queue_commit DIRECTORY [BYTES]
#include "net/tasks.h"
#include "queue/reader.h"
#include "queue/store.h"
#include "queue/writer.h"

#include <filesystem>
#include <fmt/format.h>
#include <sys/resource.h>

using namespace posthaste;

namespace {

Task<void> session(queue::Writer* writer, const std::string* line, std::size_t lines, std::size_t* remaining)
{
    while (*remaining > 0) {
        --*remaining;
        auto draft = writer->begin();
        MUST(draft);
        draft->envelope().sender = "sender@example.com";
        draft->envelope().recipients = {{"recipient@example.net", "", "", 0}};
        for (std::size_t i = 0; i < lines; ++i)
            MUST(draft->append_line(*line));
        auto committed = co_await writer->commit(std::move(*draft));
        MUST(committed);
    }
}

Task<void> sessions(queue::Writer* writer, std::size_t concurrency, std::size_t messages, std::size_t bytes)
{
    std::string line(78, 'x');
    std::size_t remaining = messages;
    net::TaskGroup group;
    for (std::size_t i = 0; i < concurrency; ++i)
        group.start(session(writer, &line, bytes / 80, &remaining));
    MUST(co_await group.join(net::Deadline::never()));
}

// Keeps up with the writer as a queue manager would: everything found is buried at once.
Task<void> bury_everything(queue::Store* store, bool* done)
{
    auto next_upkeep = net::Clock::now();
    while (!*done) {
        auto found = store->next(1000);
        MUST(found);
        for (const auto& message : *found)
            MUST(store->bury(message.ref));
        if (net::Clock::now() > next_upkeep) {
            MUST(co_await store->upkeep());
            next_upkeep = net::Clock::now() + std::chrono::seconds(1);
        }
        co_await net::sleep_for(std::chrono::milliseconds(5));
    }
}

Task<void> run(std::string directory, std::size_t bytes)
{
    queue::QueueOptions options;
    options.directory = directory;
    auto store = queue::Store::open(options);
    MUST(store);
    auto writer = queue::Writer::open(options, "");
    MUST(writer);
    bool done = false;
    net::TaskGroup background;
    background.start(bury_everything(store->get(), &done));
    for (std::size_t concurrency : {1, 20, 100, 1000}) {
        std::size_t messages = concurrency == 1 ? 2000 : 40000;
        rusage before{};
        rusage after{};
        ::getrusage(RUSAGE_SELF, &before);
        auto start = net::Clock::now();
        co_await sessions(writer->get(), concurrency, messages, bytes);
        double seconds = std::chrono::duration<double>(net::Clock::now() - start).count();
        ::getrusage(RUSAGE_SELF, &after);
        auto cpu = [](const rusage& u) {
            return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                   static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
        };
        fmt::print("{:5} sessions: {:8.0f} messages/s, {:5.1f} us CPU a message\n", concurrency,
                   static_cast<double>(messages) / seconds,
                   (cpu(after) - cpu(before)) / static_cast<double>(messages) * 1e6);
    }
    done = true;
    MUST(co_await background.join(net::Deadline::after(std::chrono::seconds(5))));
}

}  // namespace

int main(int argc, char** argv)
{
    if (argc < 2) {
        fmt::print(stderr, "usage: queue_commit DIRECTORY [BYTES]\n");
        return 64;
    }
    std::filesystem::create_directories(argv[1]);
    net::run_until_done(run(argv[1], argc > 2 ? std::stoul(argv[2]) : 4096));
}
