// settings.h — what main.cf says to the SMTP or LMTP client, read once. Parameters have the name of the SMTP form;
// an LMTP client reads their lmtp_ mirrors (lmtp(8)).
#pragma once

#include "config/config.h"
#include "daemon/smtp/pix.h"
#include "dns/lookups.h"
#include "mime/structure_scanner.h"
#include "net/endpoint.h"
#include "routing/nexthop.h"
#include "routing/unwrap.h"
#include "server/watched_peers.h"
#include "smtp/extensions.h"
#include "table/maps.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace posthaste::inspect {
class ContentTables;
}

namespace posthaste::smtp_client {

enum class Dialect : std::uint8_t { Smtp, Lmtp };
enum class Preference : std::uint8_t { Any, Ipv4, Ipv6 };

struct Timeouts {
    std::chrono::seconds connect, helo, mail, rcpt, data_init, data_xfer, data_done, quit, rset, xforward;
};

struct Settings {
    Dialect dialect = Dialect::Smtp;
    std::string myhostname;
    std::string helo_name;
    std::uint16_t default_port = 25;
    Timeouts timeouts{};

    // finding hosts
    bool use_dns = true;  // disable_dns_lookups, smtp_dns_support_level
    bool native_lookup = false;
    bool dns_lookup = true;  // smtp_host_lookup
    bool validate_dns = false;
    dns::Probe dnssec_probe;
    dns::SearchOptions dns_search;                  // smtp_dns_resolver_options
    std::shared_ptr<table::Maps> dns_reply_filter;  // smtp_dns_reply_filter; null: none
    dns::Protocols protocols;
    Preference preference = Preference::Any;
    bool balance_protocols = true;
    bool randomize_addresses = true;
    bool defer_if_no_mx_address = false;
    bool ignore_mx_lookup_error = false;
    std::vector<std::string> srv_services;  // use_srv_lookup
    bool allow_srv_fallback = false;
    bool ignore_srv_error = false;
    std::size_t address_limit = 0;  // 0: none
    std::size_t session_limit = 0;
    std::string relayhost;  // LMTP: none
    std::vector<Result<routing::Nexthop>> fallback_relays;
    routing::TransportAndNexthop best_mx_transport;  // no transport: mail that loops back is returned
    net::Endpoint bind_v4, bind_v6;                  // no family: the system chooses
    bool bind_enforce = false;

    // talking to them
    bool always_ehlo = true;
    bool never_ehlo = false;
    bool skip_5xx_greeting = true;
    bool skip_quit_response = true;
    bool quote_envelope = true;
    bool send_xforward = false;
    bool assume_final = false;          // lmtp_assume_final
    bool per_request_deadline = false;  // smtp_per_request_deadline
    unsigned min_data_rate = 500;       // smtp_min_data_rate
    std::size_t line_limit = 998;
    smtp::ExtensionSet suppressed;
    std::shared_ptr<table::Maps> suppressed_by_address;      // smtp_discard_ehlo_keyword_address_maps
    std::shared_ptr<inspect::ContentTables> content_tables;  // smtp_header_checks and its kind; null: none
    bool converts_output = true;                             // disable_mime_output_conversion
    mime::StructureLimits mime_limits;
    std::shared_ptr<table::Maps> reply_filter;  // smtp_reply_filter; null: none
    PixSettings pix;                            // smtp_pix_workarounds and its kind
    bool notifies_protocol = false;             // notify_classes
    std::shared_ptr<server::WatchedPeers> watched_peers;

    // keeping sessions
    bool cache_on_demand = true;
    std::chrono::seconds cache_time{2};
    std::chrono::seconds reuse_time{300};
    unsigned reuse_count = 0;  // 0: no limit

    routing::PortNames ports{""};
};

// How the client finds the hosts of a nexthop.
routing::Lookup lookup_of(Dialect dialect);

// Invalid: a value that cannot be used, with the parameter's name.
Result<Settings> read_settings(const config::Config& config, Dialect dialect);

}  // namespace posthaste::smtp_client
