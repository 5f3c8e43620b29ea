// deferred_files.cc — fills deferred/ and defer/ of a queue that is not running with any number of messages, each as
// the queue manager leaves one that could not be delivered. For bench/deferred, which measures large queues.
//
// Usage: deferred_files QUEUE_DIRECTORY COUNT [CONTENT_BYTES [DESTINATIONS [DUE_SECONDS [REASONS]]]]
// Messages are for x@dead<N>.test with N below DESTINATIONS and due DUE_SECONDS from now on, spread over an hour.
// Nothing is synced. A million files of up to 3 KiB take 4 GB, and their reasons 4 GB more.
#include "base/fd.h"
#include "dsn/delivery_log.h"
#include "queue/queue_file.h"
#include "queue/queue_id.h"

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/time.h>
#include <thread>
#include <vector>

using namespace posthaste;

namespace {

struct Wanted {
    std::string directory;
    std::size_t count = 0;
    std::size_t bytes = 2000;
    std::size_t destinations = 10;
    std::int64_t due = 3600;
    bool reasons = true;
};

struct Numbered {
    std::string queue_id;
    std::size_t index = 0;
};

std::string address_of(const Wanted& wanted, std::size_t index)
{
    return fmt::format("x{}@dead{}.test", index, index % wanted.destinations);
}

void write_reason(const Wanted& wanted, const Numbered& message, const queue::QueueOptions& options)
{
    const std::string path = queue::queue_file_path(options, "defer", message.queue_id);
    const std::string record =
        dsn::format_record({.recipient = address_of(wanted, message.index),
                            .action = "delayed",
                            .code = "4.4.1",
                            .reason = fmt::format("connect to dead{}.test[192.0.2.1]:25: Connection timed out",
                                                  message.index % wanted.destinations),
                            .time = ::time(nullptr)});
    MUST(queue::make_parent_directories(options.directory, path));
    auto fd = open_file(options.directory + "/" + path, O_WRONLY | O_CREAT | O_TRUNC);
    MUST(fd);
    MUST(write_fully(fd->get(), record));
}

void write_message(const Wanted& wanted, const Numbered& message, const std::string& content,
                   const queue::QueueOptions& options)
{
    queue::Envelope envelope{.queue_id = message.queue_id, .arrival_seconds = ::time(nullptr) - 3600};
    envelope.sender = "sender@example.com";
    envelope.recipients.push_back({.address = address_of(wanted, message.index)});
    const queue::ContentFacts facts{.size = content.size(), .lines = content.size() / 80, .header_size = 80};
    auto file = queue::FileBuilder::create(
        options.directory, queue::queue_file_path(options, queue::QueueName::Deferred, message.queue_id));
    MUST(file);
    MUST((*file)->append_content(content));
    const auto due = std::chrono::system_clock::now() +
                     std::chrono::seconds(wanted.due + static_cast<std::int64_t>(message.index % 3600));
    const std::string marks{static_cast<char>(queue::MessageMark::Live), static_cast<char>(queue::RecipientMark::Todo)};
    MUST((*file)->finish(queue::encode_envelope(envelope, facts), marks, due));
    (*file)->keep();
}

void write_all(const Wanted& wanted, std::atomic<std::size_t>& next)
{
    const queue::QueueOptions options{.directory = wanted.directory};
    queue::NumberLease numbers(wanted.directory + "/journal/queue-ids");
    std::string content = "Subject: " + std::string(69, 's') + "\r\n" + "\r\n";
    while (content.size() + 80 <= wanted.bytes)
        content += std::string(78, 'x') + "\r\n";
    for (std::size_t index; (index = next.fetch_add(1)) < wanted.count;) {
        auto number = numbers.next();
        MUST(number);
        timeval now{};
        ::gettimeofday(&now, nullptr);
        const Numbered message{queue::short_queue_id(now, *number), index};
        write_message(wanted, message, content, options);
        if (wanted.reasons)
            write_reason(wanted, message, options);
    }
}

}  // namespace

int main(int argc, char** argv)
{
    if (argc < 3) {
        fmt::print(
            stderr,
            "usage: deferred_files QUEUE_DIRECTORY COUNT [CONTENT_BYTES [DESTINATIONS [DUE_SECONDS [REASONS]]]]\n");
        return EXIT_FAILURE;
    }
    Wanted wanted{.directory = argv[1], .count = std::strtoull(argv[2], nullptr, 10)};
    if (argc > 3)
        wanted.bytes = std::strtoull(argv[3], nullptr, 10);
    if (argc > 4)
        wanted.destinations = std::max(std::strtoull(argv[4], nullptr, 10), 1ULL);
    if (argc > 5)
        wanted.due = std::strtoll(argv[5], nullptr, 10);
    if (argc > 6)
        wanted.reasons = std::strtoll(argv[6], nullptr, 10) != 0;
    MUST(queue::make_parent_directories(wanted.directory, "journal/queue-ids"));
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] { write_all(wanted, next); });
    return EXIT_SUCCESS;
}
