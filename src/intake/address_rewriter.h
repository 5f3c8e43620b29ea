// What one address becomes on its way into the queue: canonical(5) tables, then masquerading
// (ADDRESS_REWRITING_README). An address has a place, and each table parameter a set of places that it changes
// (canonical_classes and its like).
//
// Canonical tables are asked again with their own answer, at most ten times; sender_canonical_maps and
// recipient_canonical_maps come before canonical_maps.
#pragma once

#include "config/config.h"
#include "intake/address_table.h"
#include "match/list.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::intake {

// Where an address stands; also as bits of a set.
enum class AddressPlace : std::uint8_t {
    EnvelopeSender = 1,
    EnvelopeRecipient = 2,
    HeaderSender = 4,
    HeaderRecipient = 8
};

// Owned by the pipeline; refers to its router.
class AddressRewriter {
public:
    // Invalid: a table list is none.
    static Result<std::unique_ptr<AddressRewriter>> open(const config::Config& config, routing::Router& router);

    // Whether anything is configured for this place; nothing needs to be asked where it is not.
    [[nodiscard]] bool changes(AddressPlace place) const { return has(places_, place); }
    // An address in canonical internal form, never empty.
    Task<Accepted<std::string>> rewrite(std::string address, AddressPlace place);

private:
    using Places = std::uint8_t;
    static bool has(Places places, AddressPlace place) { return (places & static_cast<Places>(place)) != 0; }

    struct Canonical {
        std::string_view parameter;
        AddressTable table;
        Places places = 0;
    };
    struct MasqueradedDomain {
        std::string name;
        bool kept = false;  // "!name": not changed
    };

    Result<void> open_canonical(const config::Config& config, routing::Router& router);
    Result<void> open_masquerade(const config::Config& config);
    static Places parse_places(std::string_view classes);
    static Task<Accepted<std::string>> look_up(Canonical* canonical, std::string address);
    Task<Accepted<std::string>> masquerade(std::string address);

    std::vector<Canonical> canonical_;  // in the order in which they are asked
    std::vector<MasqueradedDomain> masquerade_domains_;
    match::List masquerade_exceptions_;
    Places masquerade_places_ = 0;
    Places places_ = 0;
};

}  // namespace posthaste::intake
