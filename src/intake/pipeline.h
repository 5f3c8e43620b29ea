// The way into the queue: what cleanup(8) does, as a library.
//
//     Pipeline::open(config)           before the jail: opens the tables
//     pipeline->start(queue_options)   after it: claims a journal segment
//     message = pipeline->begin(source)            a queue id, at the first accepted recipient
//     message.envelope().recipients.push_back(...) envelope, at any time before finish()
//     message.add_own_headers("Received: ...\r\n") what the caller puts on top
//     message.add_lines(...)                       content in wire form: header, empty line, body
//     co_await message.finish()                    rewritten, checked, logged, committed: now 250 is true
//
// The header is looked at line by line until its end; the body goes to the queue in the blocks in which it comes.
// A header that needs no change is stored byte for byte. Faults of the content (too big, too many hops) and of the
// disk are remembered and reported by finish(), so that a session reads its client's message to the end without
// looking. The caller adds its Received: line; the pipeline adds missing headers, completes addresses in the local
// rewriting context, asks canonical tables and masquerades, removes $message_drop_headers, adds automatic copies,
// expands $virtual_alias_maps, does what $header_checks and its kind say (inspection.h), logs message-id= as
// postfix/cleanup, and flushes the log before the message becomes visible to the queue manager.
//
// The configuration is main.cf with the overrides of the *cleanup* service (service_config.h), never the caller's.
#pragma once

#include "config/config.h"
#include "intake/rejection.h"
#include "net/task.h"
#include "queue/envelope.h"
#include "queue/message_ref.h"
#include "queue/options.h"
#include "routing/route.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace posthaste::queue {
class Writer;
}
namespace posthaste::routing {
class Router;
}

namespace posthaste::intake {

// postconf(5) local_header_rewrite_clients: Local completes addresses and adds missing headers, Remote does neither.
using RewriteContext = routing::RewriteContext;

// Who brings the message and what may be done to it.
struct Source {
    queue::Origin origin = queue::Origin::Smtpd;
    RewriteContext context = RewriteContext::Remote;
    queue::Client client;
    // False: canonical tables, masquerading, automatic copies and virtual aliases are left out
    // (receive_override_options=no_address_mappings).
    bool map_addresses = true;
    // False: the content is not looked at (receive_override_options=no_header_body_checks).
    bool inspect_content = true;
};

// A message that is in the queue and survives a power cut. What a table had discarded is not there; whoever brought it
// is told the same.
struct Finished {
    queue::MessageRef ref;
    queue::ContentFacts facts;
    [[nodiscard]] const std::string& queue_id() const { return ref.queue_id; }
};

class Pipeline;

// One message on its way in. Owned by one session or task; must not outlive its Pipeline. Dropping it before
// finish() leaves nothing behind.
class Message {
public:
    Message(Message&&) noexcept;
    Message& operator=(Message&&) noexcept;
    ~Message();

    [[nodiscard]] const std::string& queue_id() const;
    // The sender is to be set before the content, recipients and DSN parameters before finish(). Addresses are unquoted
    // (user@domain); those without a domain are completed.
    queue::Envelope& envelope();

    // Header lines of ours, each ended by CRLF: Received: and what else stands above the message as it was given. They
    // come first; what follows is never taken for their continuation.
    void add_own_headers(std::string_view crlf_lines);
    // Any number of whole lines, each ended by CRLF, not dot-stuffed. Other CR or LF bytes become spaces
    // (cleanup_replace_stray_cr_lf).
    void add_lines(std::string_view crlf_lines);
    // Tables must be asked about what was added (addresses of the header, header_checks and its kind) before it is
    // stored; what comes until settle() is kept in memory. Whoever adds content in pieces calls it between them;
    // finish() does it otherwise.
    [[nodiscard]] bool unsettled() const;
    Task<void> settle();
    // Something is wrong already: what follows is only counted and finish() will say why.
    [[nodiscard]] bool failed() const;
    [[nodiscard]] const Rejection* failure() const;
    // Content bytes so far, as they were added.
    [[nodiscard]] std::uint64_t size() const;
    // The message goes to hold/ when it is finished.
    void hold();

    // Completes and commits. The message is spent afterwards, whatever the result.
    Task<Accepted<Finished>> finish();

    struct State;

private:
    friend class Pipeline;
    explicit Message(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// One a process. Owns the tables and the queue writer; outlives its messages. Loop's thread only.
class Pipeline {
public:
    // Before the jail. config: see service_config.h. Invalid: a parameter that names tables is malformed (a table
    // that cannot be opened is no error here: its lookups are, and the message gets a 451).
    // A process that has a router already shares it.
    static Result<std::unique_ptr<Pipeline>> open(std::shared_ptr<const config::Config> config,
                                                  std::shared_ptr<routing::Router> router = nullptr);
    ~Pipeline();

    // After the jail, with the queue directory as working directory.
    Result<void> start(queue::QueueOptions options, std::string qmgr_socket = "public/qmgr");

    // A new message with a queue id of its own. The Rejection says that the queue cannot take one now.
    Accepted<Message> begin(const Source& source);

    // A flush has failed: nothing will be accepted any more, the process should finish and leave.
    [[nodiscard]] bool broken() const;
    [[nodiscard]] queue::Writer& writer();
    [[nodiscard]] const config::Config& config() const;
    // A local user's address as it is in the envelope: with a domain (append_at_myorigin and its kind).
    [[nodiscard]] std::string completed(std::string_view address) const;

    struct Impl;

private:
    explicit Pipeline(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthaste::intake
