// shared.cc — see shared.h.
#include "daemon/smtpd/shared.h"

#include "base/text.h"
#include "daemon/smtpd/submission.h"
#include "intake/service_config.h"
#include "log/events_smtpd.h"
#include "log/log.h"
#include "net/endpoint.h"
#include "param/basics.h"
#include "param/bounce.h"
#include "param/commands.h"
#include "param/log.h"
#include "param/rewrite.h"
#include "param/services.h"
#include "param/smtpd.h"
#include "param/smtpd_dnsbl.h"
#include "param/tls_trust.h"
#include "table/text_source.h"

namespace posthaste::smtpd {

Result<std::unique_ptr<Shared>> Shared::open(server::Context& context)
{
    auto shared = std::make_unique<Shared>();
    shared->context = &context;
    shared->config = context.config;
    const config::Config& config = *context.config;
    log::set_smtpd_wording(config.get(param::log_compatibility_level));
    if (!context.stand_alone) {
        TRY(auto intake_config, intake::load_service_config(config));
        TRY(shared->pipeline, intake::Pipeline::open(intake_config));
    }
    TRY(shared->router, routing::Router::open(context.config));
    if (config.get(param::smtpd_peername_lookup) && !context.stand_alone) {
        dns::ResolverOptions options;
        TRY(options.servers, dns::parse_servers(config.get(param::dns_servers)));
        TRY(shared->resolver, dns::Resolver::open(std::move(options)));
    }
    shared->names.emplace(shared->resolver.get());
    TRY(shared->parse_lists());
    TRY(shared->parse_restrictions());
    TRY(shared->parse_words());
    shared->set_transcripts();
    TRY(shared->tls, context.stand_alone ? Tls::none() : Tls::open(config));
    return shared;
}

intake::Accepted<std::unique_ptr<Incoming>> Shared::begin(const intake::Source& source)
{
    if (context->stand_alone)
        return begin_submission(config->get(param::command_directory) + "/postdrop");
    return begin_queued(*pipeline, source);
}

Result<void> Shared::parse_lists()
{
    TRY(mynetworks, match::read_hosts(*config, param::mynetworks));
    TRY(bare_newline_exclusions, match::read_hosts(*config, param::smtpd_forbid_bare_newline_exclusions));
    TRY(event_limit_exceptions, match::read_hosts(*config, param::smtpd_client_event_limit_exceptions));
    TRY(watched_peers, server::WatchedPeers::open(*config));
    TRY(verp_clients, match::read_hosts(*config, param::smtpd_authorized_verp_clients));
    TRY(forbidden_commands, match::List::parse(config->get(param::smtpd_forbidden_commands), match::Kind::String));
    TRY(logged_permits, match::List::parse(config->get(param::smtpd_log_access_permit_actions), match::Kind::String));
    access_parents = match::parents_for("smtpd_access_maps", config->get(param::parent_domain_matches_subdomains));
    TRY(auto interfaces, net::interface_addresses());
    for (const net::InterfaceAddress& interface : interfaces)
        own_addresses.push_back(interface.address.address());
    return {};
}

Result<void> Shared::parse_restrictions()
{
    parser.emplace(config);
    client_restrictions = parser->parse(config->get(param::smtpd_client_restrictions), ListKind::Client);
    helo_restrictions = parser->parse(config->get(param::smtpd_helo_restrictions), ListKind::Helo);
    sender_restrictions = parser->parse(config->get(param::smtpd_sender_restrictions), ListKind::Sender);
    relay_restrictions = parser->parse(config->get(param::smtpd_relay_restrictions), ListKind::Relay);
    recipient_restrictions = parser->parse(config->get(param::smtpd_recipient_restrictions), ListKind::Recipient);
    data_restrictions = parser->parse(config->get(param::smtpd_data_restrictions), ListKind::Data);
    end_of_data_restrictions = parser->parse(config->get(param::smtpd_end_of_data_restrictions), ListKind::EndOfData);
    etrn_restrictions = parser->parse(config->get(param::smtpd_etrn_restrictions), ListKind::Etrn);
    if (!context->stand_alone && !stops_relaying(relay_restrictions) && !stops_relaying(recipient_restrictions))
        return fail(ErrorKind::Invalid,
                    "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one "
                    "working instance of: reject_unauth_destination, defer_unauth_destination, reject, defer, "
                    "defer_if_permit");
    return {};
}

// postconf(5) notify_classes.
void Shared::set_transcripts()
{
    using Class = smtp::ErrorClass;
    if (context->stand_alone)
        return;
    transcripts.wanted = smtp::ErrorClasses::parse(config->get(param::notify_classes));
    transcripts.history_limit = static_cast<std::size_t>(config->get(param::smtpd_history_flush_threshold));
    transcripts.from_the_start = transcripts.wanted.has(Class::Protocol) || transcripts.wanted.has(Class::Policy) ||
                                 transcripts.wanted.has(Class::Data);
    if (!transcripts.wanted.empty())
        transcripts.bounce = std::make_unique<ipc::Client>("private/" + config->get(param::bounce_service_name),
                                                           bounce::bounce_protocol);
}

Result<void> Shared::parse_rewrite_clients()
{
    using Kind = RewriteClients::Kind;
    const std::string& text = config->get(param::local_header_rewrite_clients);
    TRY(auto words, table::split_outside_braces(text, table::list_separators));
    for (std::string_view word : words) {
        if (word == "permit_inet_interfaces") {
            local_rewrite_clients.push_back({.kind = Kind::InetInterfaces, .table = {}});
        } else if (word == "permit_mynetworks") {
            local_rewrite_clients.push_back({.kind = Kind::Mynetworks, .table = {}});
        } else if (word.contains(':')) {
            TRY(match::List table, match::List::parse(word, match::Kind::Host));
            local_rewrite_clients.push_back({.kind = Kind::Table, .table = std::move(table)});
        } else if (word != "check_address_map" && !word.starts_with("permit_sasl_") &&
                   !word.starts_with("permit_tls_")) {
            return fail(ErrorKind::Invalid,
                        "local_header_rewrite_clients: unknown restriction \"" + std::string(word) + "\"");
        }
    }
    return {};
}

Result<void> Shared::parse_words()
{
    for (std::string_view word : split(config->get(param::smtpd_noop_commands), table::list_separators))
        noop_commands.emplace_back(word);
    TRY(parse_rewrite_clients());
    std::vector<std::string> unknown;
    discarded_extensions = smtp::parse_discard_keywords(config->get(param::smtpd_discard_ehlo_keywords), unknown);
    for (const std::string& word : unknown)
        log::warning("smtpd_discard_ehlo_keywords: unknown EHLO keyword \"{}\"", word);
    TRY(command_filter, table::Maps::open(config->get(param::smtpd_command_filter)));
    TRY(reject_footer_maps, table::Maps::open(config->get(param::smtpd_reject_footer_maps)));
    TRY(relay_clientcerts, table::Maps::open(config->get(param::relay_clientcerts)));
    TRY(discarded_extension_maps, table::Maps::open(config->get(param::smtpd_discard_ehlo_keyword_address_maps)));
    overrides = intake::receive_overrides(*config);
    const std::string& mode = config->get(param::smtpd_forbid_bare_newline);
    bare_newline = mode == "reject" ? smtp::BareNewline::Reject
                   : mode == "note" ? smtp::BareNewline::Note
                   : mode == "no"   ? smtp::BareNewline::Allow
                                    : smtp::BareNewline::Normalize;
    return {};
}

}  // namespace posthaste::smtpd
