// One parameter's tables that replace addresses by addresses: canonical(5), virtual(5), and the automatic copies of
// sender_bcc_maps and recipient_bcc_maps. They differ in what is done with the answer, not in how it is found.
#pragma once

#include "address/local_part.h"
#include "config/config.h"
#include "intake/rejection.h"
#include "net/task.h"
#include "routing/router.h"
#include "table/maps.h"

#include <string>
#include <string_view>
#include <vector>

namespace posthaste::intake {

// postconf(5) propagate_unmatched_extensions: user+ext that was found as user gets its extension back.
enum class Extensions : std::uint8_t { Drop, Propagate };

// Whether a list of words, as postconf(5) has them, names this one.
bool lists_word(std::string_view list, std::string_view word);

// Owned by whoever rewrites; refers to the router. Lookups under way refer to it.
class AddressTable {
public:
    AddressTable() = default;
    // Invalid: `text` is no list of tables. `parameter` is its name, for the log.
    static Result<AddressTable> open(std::string_view parameter, const std::string& text, const config::Config& config,
                                     routing::Router& router, Extensions extensions);

    [[nodiscard]] bool empty() const { return maps_.empty(); }
    // What stands for an address in internal form, each in canonical form; none if it has no entry. user@site is
    // looked up with and without extension, then user where the site is of this machine, then @site; the answer
    // @newsite keeps the user. A table that cannot answer is a 451, and an entry without an address too: it is not
    // "no entry".
    Task<Accepted<std::vector<std::string>>> find(std::string address);

private:
    Task<Result<bool>> is_of_this_machine(std::string_view address) const;

    table::Maps maps_;
    routing::Router* router_ = nullptr;
    std::string parameter_;
    std::string delimiter_;
    std::string origin_;
    Extensions extensions_ = Extensions::Drop;
    address::OwnerAndRequest names_ = address::OwnerAndRequest::Special;
};

}  // namespace posthaste::intake
