// list.h — host, domain and string lists of main.cf: mynetworks, mydestination, relay_domains, debug_peer_list ...
//
// A list holds names, addresses, networks ([2001:db8::]/32), /file/name (whose content takes its place), type:table
// (any entry counts, its value does not) and !pattern. Patterns are tried in order and the first that matches
// decides. A table that fails, a file that cannot be read and a malformed network are errors when the search gets
// to them: then nothing is certain, and callers answer with 4xx.
//
// Neighbouring names and networks are kept in one set, so that a list of ten thousand domains costs one hash lookup
// a label. Answers are ready at once unless a network table is asked.
#pragma once

#include "address/network.h"
#include "config/config.h"
#include "table/maps.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace posthaste::match {

enum class Kind : std::uint8_t {
    String,  // whole texts (mydestination, virtual_alias_domains, ...)
    Domain,  // a domain and its subdomains as `parents` says (relay_domains, fast_flush_domains)
    Host,    // name and address of a peer (mynetworks, debug_peer_list, smtpd_client_..._exceptions)
};

struct Options {
    // Dotted: .example.com matches subdomains; Bare: example.com does, too. See parents_for().
    table::ParentDomains parents = table::ParentDomains::Dotted;
    table::OpenOptions tables = table::process_options();
};

// Bare if the list's name stands in the value of parent_domain_matches_subdomains, else Dotted.
table::ParentDomains parents_for(std::string_view list_name, std::string_view parent_domain_matches_subdomains);

using Match = table::ReadyOrTask<Result<bool>>;

// Owns its tables; used on one thread. Searches under way refer to the list, which outlives them.
class List {
public:
    List() = default;
    // Invalid: the text is no list (unbalanced braces, files that include each other without end). A file that cannot
    // be read is tried again every five seconds; until then who is compared with it is put off.
    static Result<List> parse(std::string_view text, Kind kind, const Options& options = {});

    // `name` may be empty or "unknown"; `address` is a plain IP address. For Kind::Host.
    Match matches_host(std::string_view name, std::string_view address);
    Match matches_domain(std::string_view domain);
    Match matches_string(std::string_view text);

    [[nodiscard]] bool empty() const { return groups_->empty(); }
    Result<void> reopen_if_changed();

private:
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    // Patterns of one polarity that stand side by side; a table or an unusable pattern is a group of its own.
    struct Group {
        bool negated = false;
        std::unordered_set<std::string, TextHash, std::equal_to<>> names;  // folded
        std::vector<address::Network> networks;
        std::unique_ptr<table::Maps> table;
        std::string problem;
    };
    struct Query {
        std::string name;     // folded, for names of the list itself
        std::string written;  // as it came: tables fold by themselves, patterns see it as it is
        std::string address;  // as text, for tables
        std::optional<address::IpAddress> parsed;
        bool whole_only = false;  // no parent domains
    };
    friend class ListParser;

    using Groups = std::shared_ptr<std::vector<Group>>;
    // What is read again when a file of the list could not be read; searches under way keep the groups of before.
    struct Unread {
        std::string text;
        Kind kind;
        Options options;
        std::chrono::steady_clock::time_point tried;
    };

    Match match(Query query);
    void read_again();
    Match match_from(Groups groups, std::size_t first, Query query) const;
    net::Task<Result<bool>> continue_match(table::ReadyOrTask<table::AddressAnswer> pending, Groups groups,
                                           std::size_t group, Query query) const;
    bool names_match(const Group& group, const Query& query) const;
    std::vector<table::AddressKey> table_keys(const Query& query) const;

    Groups groups_ = std::make_shared<std::vector<Group>>();
    std::optional<Unread> unread_;
    table::ParentDomains parents_ = table::ParentDomains::Dotted;
};

// The list of hosts that a parameter has, with the parent domains that parent_domain_matches_subdomains gives it.
// Invalid: as List::parse(), with the parameter's name.
Result<List> read_hosts(const config::Config& config, config::Parameter<std::string> parameter);

}  // namespace posthaste::match
