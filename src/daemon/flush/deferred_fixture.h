// deferred_fixture.h — for tests: a queue directory with deferred messages.
#pragma once

#include "queue/envelope.h"
#include "queue/layout.h"
#include "queue/marks.h"
#include "queue/queue_file.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace posthaste::flush {

class DeferredQueue : public testing::Test {
protected:
    void SetUp() override
    {
        options_.directory = "/tmp/posthaste_flush_test." + std::to_string(::getpid());
        std::filesystem::remove_all(options_.directory);
        std::filesystem::create_directories(options_.directory + "/deferred");
    }
    void TearDown() override { std::filesystem::remove_all(options_.directory); }

    struct Marked {
        std::string address;
        queue::RecipientMark mark = queue::RecipientMark::Todo;
    };
    void defer(const std::string& queue_id, const std::vector<Marked>& recipients)
    {
        queue::Envelope envelope{.queue_id = queue_id, .sender = "a@b.test"};
        std::string marks(1, '\0');  // the message's own
        for (const Marked& recipient : recipients) {
            envelope.recipients.push_back({.address = recipient.address, .original = {}, .dsn_orcpt = {}});
            marks.push_back(static_cast<char>(recipient.mark));
        }
        const std::string path = queue::queue_file_path(options_, queue::QueueName::Deferred, queue_id);
        auto file = queue::FileBuilder::create(options_.directory, path);
        ASSERT_TRUE(file) << file.error().text();
        MUST((*file)->append_content("Subject: x\r\n\r\n"));
        MUST((*file)->finish(queue::encode_envelope(envelope, {}), marks));
        (*file)->keep();
    }

    queue::QueueOptions options_;
};

}  // namespace posthaste::flush
