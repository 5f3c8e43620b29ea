// A message on its way from the SMTP dialogue to where it is kept: the queue (intake), or, for `sendmail -bs` of an
// ordinary user, postdrop(1).
#pragma once

#include "intake/pipeline.h"
#include "net/task.h"
#include "queue/envelope.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace posthaste::smtpd {

// Owned by a transaction. Dropping it before finish() leaves nothing behind.
class Incoming {
public:
    virtual ~Incoming() = default;
    [[nodiscard]] virtual const std::string& queue_id() const = 0;
    virtual queue::Envelope& envelope() = 0;
    // Header lines above the message, each ended by CRLF.
    virtual void add_own_headers(std::string_view crlf_lines) = 0;
    // To the hold queue instead of to its recipients.
    virtual void hold() {}
    virtual void add_lines(std::string_view crlf_lines) = 0;
    // Tables must be asked about the header before more is added (intake::Message::settle()).
    [[nodiscard]] virtual bool unsettled() const { return false; }
    virtual Task<void> settle() { co_return; }
    [[nodiscard]] virtual std::uint64_t size() const = 0;
    // Keeps the message, durably: only after this may the client be told 250. The queue id.
    virtual Task<intake::Accepted<std::string>> finish() = 0;
};

// Into the queue.
intake::Accepted<std::unique_ptr<Incoming>> begin_queued(intake::Pipeline& pipeline, const intake::Source& source);

}  // namespace posthaste::smtpd
