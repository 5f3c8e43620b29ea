// The envelope's recipients on their way into the queue: completed, expanded through virtual_alias_maps, each once.
//
// virtual(5): every address is looked up, results again, until an address has no alias or names itself. The limits of
// postconf(5) (virtual_alias_expansion_limit, virtual_alias_recursion_limit, virtual_alias_address_length_limit)
// make a message wait (451) instead of losing or multiplying it. RFC 3461: NOTIFY and ORCPT go with every address
// that comes out of an expansion.
#pragma once

#include "config/config.h"
#include "intake/rejection.h"
#include "net/task.h"
#include "queue/envelope.h"
#include "routing/router.h"
#include "table/maps.h"

#include <memory>
#include <string>
#include <vector>

namespace posthaste::intake {

// Owned by the pipeline; refers to its router.
class RecipientMapper {
public:
    // Invalid: virtual_alias_maps is no list of tables.
    static Result<std::unique_ptr<RecipientMapper>> open(const config::Config& config, routing::Router& router);

    // Replaces envelope->recipients, and adds always_bcc to mail from outside. A Rejection leaves the envelope
    // undefined.
    Task<Accepted<>> map(queue::Envelope* envelope);
    // What is left to do for recipients whose addresses are final: they are completed with a domain.
    void complete(queue::Envelope& envelope) const;

private:
    RecipientMapper(const config::Config& config, routing::Router& router, table::Maps maps);
    struct Pending;
    Task<Accepted<>> expand(queue::Recipient recipient, std::vector<queue::Recipient>* out);
    Task<Accepted<std::vector<std::string>>> aliases_of(std::string address);
    [[nodiscard]] queue::Recipient completed(queue::Recipient recipient) const;
    void remove_duplicates(std::vector<queue::Recipient>& recipients) const;

    routing::Router& router_;
    table::Maps maps_;
    std::string always_bcc_;
    std::string delimiter_;
    std::size_t expansion_limit_;
    std::size_t recursion_limit_;
    std::size_t length_limit_;
    std::size_t duplicate_limit_;
    bool keeps_original_;
    bool propagates_extension_;
};

}  // namespace posthaste::intake
