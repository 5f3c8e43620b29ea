// The envelope's recipients on their way into the queue: completed, rewritten, with automatic copies, expanded through
// virtual_alias_maps, each once (ADDRESS_REWRITING_README).
//
// virtual(5): every address is looked up, results again, until an address has no alias or names itself. The limits of
// postconf(5) (virtual_alias_expansion_limit, virtual_alias_recursion_limit, virtual_alias_address_length_limit)
// make a message wait (451) instead of losing or multiplying it. RFC 3461: NOTIFY and ORCPT go with every address
// that comes out of an expansion.
#pragma once

#include "config/config.h"
#include "intake/address_rewriter.h"
#include "intake/address_table.h"
#include "intake/rejection.h"
#include "net/task.h"
#include "queue/envelope.h"
#include "routing/router.h"

#include <memory>
#include <string>
#include <vector>

namespace posthaste::intake {

// Owned by the pipeline; refers to its router and rewriter.
class RecipientMapper {
public:
    // Invalid: virtual_alias_maps, sender_bcc_maps or recipient_bcc_maps is no list of tables.
    static Result<std::unique_ptr<RecipientMapper>> open(const config::Config& config, routing::Router& router,
                                                         AddressRewriter& rewriter);

    // Replaces envelope->recipients, and adds `copies`, always_bcc and those of the bcc maps to mail from outside. The
    // sender is rewritten already. A Rejection leaves the envelope undefined.
    Task<Accepted<>> map(queue::Envelope* envelope, std::vector<std::string> copies);
    // What is left to do for recipients whose addresses are final: they are completed with a domain.
    void complete(queue::Envelope& envelope, std::vector<std::string> copies) const;

private:
    RecipientMapper(const config::Config& config, routing::Router& router, AddressRewriter& rewriter);
    struct Pending;
    Task<Accepted<>> rewrite(queue::Recipient* recipient);
    Task<Accepted<>> add_copies(queue::Envelope* envelope, std::vector<std::string> wanted);
    Task<Accepted<>> add_copies_for(AddressTable* table, std::string address, std::vector<queue::Recipient>* copies);
    Task<Accepted<>> expand_all(std::vector<queue::Recipient>* recipients);
    Task<Accepted<>> expand(queue::Recipient recipient, std::vector<queue::Recipient>* out);
    [[nodiscard]] queue::Recipient completed(queue::Recipient recipient) const;
    void remove_duplicates(std::vector<queue::Recipient>& recipients) const;

    routing::Router& router_;
    AddressRewriter& rewriter_;
    AddressTable virtual_aliases_;
    AddressTable sender_bcc_;
    AddressTable recipient_bcc_;
    std::string always_bcc_;
    std::size_t expansion_limit_;
    std::size_t recursion_limit_;
    std::size_t length_limit_;
    std::size_t duplicate_limit_;
    bool keeps_original_;
};

}  // namespace posthaste::intake
