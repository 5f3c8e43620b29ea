// What a Draft holds; shared by the writer's sources only.
#pragma once

#include "queue/queue_file.h"
#include "queue/writer.h"

#include <atomic>
#include <memory>
#include <string>

namespace posthaste::queue {

// What all drafts of a writer share. Outlives the writer in drafts that are dropped late.
struct DraftBudget {
    QueueOptions options;
    std::size_t bytes_in_memory = 0;                     // of all drafts of this process
    static constexpr std::size_t most_bytes = 64 << 20;  // beyond it, drafts go to files early
};

struct Draft::State {
    explicit State(std::shared_ptr<DraftBudget> shared) : budget(std::move(shared)) {}
    ~State() { budget->bytes_in_memory -= accounted; }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    // Adds bytes in wire form to the content, wherever it is.
    Result<void> add(std::string_view bytes);
    // Moves the content from memory into a file in incoming/.
    Result<void> spill();

    std::shared_ptr<DraftBudget> budget;
    Envelope envelope;
    ContentFacts facts;
    std::string content;                // while in memory
    std::unique_ptr<FileBuilder> file;  // once spilled
    std::size_t accounted = 0;
    bool in_header = true;
    bool on_hold = false;
};

}  // namespace posthaste::queue
