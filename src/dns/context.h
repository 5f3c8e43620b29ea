// context.h — one libunbound context on the event loop: its descriptor is watched, its answers resume the lookups.
//
// Shared by the Resolver and by every lookup under way, so that a new resolver list does not disturb old lookups.
#pragma once

#include "dns/resolver.h"
#include "net/tasks.h"

#include <memory>
#include <string>
#include <vector>

struct ub_ctx;

namespace posthaste::dns {

struct ContextOptions {
    std::vector<std::string> servers;  // "address@port"; empty: /etc/resolv.conf
    std::string trust_anchor_file;     // empty: no validation; absent: the keys of the root zone that are built in
};

class Context {
public:
    // Reads every file that it needs. Io: libunbound refuses an option or a file.
    static Result<std::shared_ptr<Context>> open(const ContextOptions& options);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    // The context outlives the lookup.
    Task<Result<Answer>> lookup(std::string queried, Type type, net::Deadline deadline);
    // Who has awaited a lookup lets go of the context with this: he was resumed from inside the context's own task,
    // which must not lose it there.
    static void release(std::shared_ptr<Context> context);

    struct Pending;

private:
    explicit Context(ub_ctx* context) : context_(context), tasks_(std::make_unique<net::TaskGroup>()) {}
    static Task<void> process_answers(ub_ctx* context);

    ub_ctx* context_;
    std::unique_ptr<net::TaskGroup> tasks_;  // ends before the descriptor that it watches
};

}  // namespace posthaste::dns
