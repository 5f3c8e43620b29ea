// What all sessions of an SMTP server process share: the configuration in parsed form, tables, routing, intake.
//
// Made before the jail from one snapshot; a reload replaces the process, not this. Sessions only read, apart from
// the caches inside of the members. Loop's thread.
#pragma once

#include "config/config.h"
#include "daemon/smtpd/client.h"
#include "daemon/smtpd/incoming.h"
#include "daemon/smtpd/rates.h"
#include "daemon/smtpd/restriction.h"
#include "daemon/smtpd/tls.h"
#include "daemon/smtpd/transcript.h"
#include "dns/resolver.h"
#include "intake/pipeline.h"
#include "intake/receive_overrides.h"
#include "match/list.h"
#include "routing/router.h"
#include "server/context.h"
#include "smtp/data_decoder.h"
#include "smtp/extensions.h"

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace posthaste::smtpd {

class Session;

// One element of postconf(5) local_header_rewrite_clients.
struct RewriteClients {
    enum class Kind : std::uint8_t { InetInterfaces, Mynetworks, Table };
    Kind kind = Kind::Table;
    match::List table;  // any entry counts
};

struct Shared {
    // Invalid: a value that makes no sense, or lists under which this would be an open relay.
    static Result<std::unique_ptr<Shared>> open(server::Context& context);

    server::Context* context = nullptr;
    std::shared_ptr<const config::Config> config;
    std::unique_ptr<intake::Pipeline> pipeline;  // null in stand-alone mode (submission.h)
    std::unique_ptr<routing::Router> router;
    std::unique_ptr<dns::Resolver> resolver;  // null if nothing is looked up
    std::optional<NameFinder> names;
    Rates rates{"private/anvil"};

    std::optional<RestrictionParser> parser;
    RestrictionList client_restrictions;
    RestrictionList helo_restrictions;
    RestrictionList sender_restrictions;
    RestrictionList relay_restrictions;
    RestrictionList recipient_restrictions;
    RestrictionList data_restrictions;
    RestrictionList end_of_data_restrictions;
    RestrictionList etrn_restrictions;

    match::List mynetworks;
    match::List bare_newline_exclusions;
    match::List event_limit_exceptions;
    server::WatchedPeers watched_peers;
    match::List forbidden_commands;
    match::List verp_clients;
    std::vector<std::string> noop_commands;
    smtp::ExtensionSet discarded_extensions;
    table::Maps discarded_extension_maps;  // by client address
    table::Maps command_filter;
    table::Maps reject_footer_maps;
    table::Maps relay_clientcerts;
    match::List logged_permits;  // smtpd_log_access_permit_actions
    smtp::BareNewline bare_newline = smtp::BareNewline::Normalize;
    std::vector<RewriteClients> local_rewrite_clients;
    std::vector<std::string> own_addresses;  // of network interfaces: permit_inet_interfaces
    intake::ReceiveOverrides overrides;
    TranscriptOptions transcripts;
    std::unordered_set<Session*> sessions;  // those that run now
    table::ParentDomains access_parents = table::ParentDomains::Dotted;

    std::unique_ptr<Tls> tls;

    // A new message: into the queue, or to postdrop in stand-alone mode.
    intake::Accepted<std::unique_ptr<Incoming>> begin(const intake::Source& source);

private:
    Result<void> parse_lists();
    Result<void> parse_restrictions();
    Result<void> parse_rewrite_clients();
    Result<void> parse_words();
    void set_transcripts();
};

}  // namespace posthaste::smtpd
