// virtual(8) — delivers to mailboxes that tables name: virtual_mailbox_maps says where, virtual_uid_maps and
// virtual_gid_maps as whom. No aliases, no commands, no accounts of the machine.
#pragma once

#include "mailbox/child.h"
#include "mailbox/delivery.h"
#include "mailbox/turns.h"
#include "server/delivery_service.h"
#include "table/address_keys.h"
#include "table/maps.h"

#include <expected>
#include <string>
#include <string_view>

namespace posthaste::virtual_agent {

class Service final : public server::DeliveryService {
public:
    using DeliveryService::DeliveryService;

    Result<void> before_jail();
    Task<server::Outcomes> deliver(server::JobPtr job) override;

private:
    // Where an address's mail goes, and as whom.
    struct Place {
        std::string path;
        mailbox::Account account;
    };

    Task<dsn::Outcome> deliver_to(server::JobPtr job, std::size_t recipient);
    Task<std::expected<Place, dsn::Outcome>> place_of(std::string address);
    [[nodiscard]] table::AddressSearch search() const;
    // The numeric id that a table gives for an address.
    Task<Result<unsigned>> id_of(table::Maps* maps, std::string address, std::string_view parameter);

    table::Maps mailboxes_;
    table::Maps uids_;
    table::Maps gids_;
    mailbox::MboxOptions mbox_;
    mailbox::Turns turns_;
};

}  // namespace posthaste::virtual_agent
