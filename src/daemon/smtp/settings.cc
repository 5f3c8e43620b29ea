// settings.cc — see settings.h.
#include "daemon/smtp/settings.h"

#include "base/text.h"
#include "daemon/smtp/content_filter.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/bounce.h"
#include "param/rewrite.h"
#include "param/smtp.h"
#include "param/smtp_checks.h"
#include "param/smtp_lookup.h"
#include "smtp/transcript.h"

namespace posthaste::smtp_client {

namespace {

// The one place that knows which of two parameters counts.
class Reader {
public:
    Reader(const config::Config& config, Dialect dialect) : config_(config), lmtp_(dialect == Dialect::Lmtp) {}

    template<class T>
    decltype(auto) operator()(config::Parameter<T> parameter) const
    {
        return config_.get(lmtp_ ? parameter.lmtp() : parameter);
    }
    // 0 means "no limit" to whoever wrote it.
    [[nodiscard]] std::chrono::seconds timeout(config::TimeParameter parameter) const
    {
        auto seconds = (*this)(parameter);
        return seconds.count() > 0 ? seconds : std::chrono::seconds(std::chrono::hours(1));
    }
    [[nodiscard]] std::size_t count(config::IntParameter parameter) const
    {
        return static_cast<std::size_t>((*this)(parameter));
    }

private:
    const config::Config& config_;
    bool lmtp_;
};

std::vector<std::string> words(std::string_view text)
{
    std::vector<std::string> list;
    for (std::string_view word : split(text, ", \t\r\n"))
        list.emplace_back(word);
    return list;
}

Result<net::Endpoint> bind_address(std::string_view name, const std::string& text)
{
    if (text.empty())
        return net::Endpoint();
    auto address = net::Endpoint::ip(text, 0);
    if (!address)
        return fail(std::move(address).error().in(name));
    return *address;
}

// Null where no table is named.
Result<std::shared_ptr<table::Maps>> open_tables(const std::string& text)
{
    if (text.empty())
        return nullptr;
    TRY(table::Maps tables, table::Maps::open(text));
    return std::make_shared<table::Maps>(std::move(tables));
}

Result<void> read_dns(Settings& settings, const config::Config& config, const Reader& read)
{
    auto probe = dns::parse_probe(config.get(param::dnssec_probe));
    if (!probe)
        return fail(std::move(probe).error().in("dnssec_probe"));
    settings.dnssec_probe = std::move(*probe);
    for (const std::string& option : words(read(param::smtp_dns_resolver_options)))
        (option == "res_dnsrch" ? settings.dns_search.all_domains : settings.dns_search.default_domain) = true;
    TRY(settings.dns_reply_filter, open_tables(read(param::smtp_dns_reply_filter)));
    return {};
}

// How a server that breaks the rules is spoken to.
Result<void> read_workarounds(Settings& settings, const Reader& read)
{
    TRY(settings.reply_filter, open_tables(read(param::smtp_reply_filter)));
    settings.pix.usual = parse_pix_workarounds(read(param::smtp_pix_workarounds), "smtp_pix_workarounds");
    TRY(table::Maps by_address, table::Maps::open(read(param::smtp_pix_workaround_maps)));
    settings.pix.by_address = std::make_shared<table::Maps>(std::move(by_address));
    settings.pix.threshold = read(param::smtp_pix_workaround_threshold_time);
    settings.pix.delay = read(param::smtp_pix_workaround_delay_time);
    return {};
}

void read_lookups(Settings& settings, const config::Config& config, const Reader& read)
{
    const std::string& level = read(param::smtp_dns_support_level);
    settings.use_dns = level.empty() ? !config.get(param::disable_dns_lookups) : level != "disabled";
    settings.validate_dns = level == "dnssec";
    settings.dns_lookup = false;
    for (const std::string& method : words(read(param::smtp_host_lookup)))
        (method == "dns" ? settings.dns_lookup : settings.native_lookup) = true;
    if (!settings.use_dns) {
        settings.dns_lookup = false;
        settings.native_lookup = true;
    }
    settings.protocols = dns::parse_protocols(config.get(param::inet_protocols));
    const std::string& preference = read(param::smtp_address_preference);
    settings.preference = preference == "ipv4"   ? Preference::Ipv4
                          : preference == "ipv6" ? Preference::Ipv6
                                                 : Preference::Any;
    settings.balance_protocols = read(param::smtp_balance_inet_protocols);
    settings.randomize_addresses = read(param::smtp_randomize_addresses);
    settings.defer_if_no_mx_address = read(param::smtp_defer_if_no_mx_address_found);
    settings.ignore_mx_lookup_error = config.get(param::ignore_mx_lookup_error);
    settings.srv_services = words(config.get(param::use_srv_lookup));
    settings.allow_srv_fallback = config.get(param::allow_srv_lookup_fallback);
    settings.ignore_srv_error = config.get(param::ignore_srv_lookup_error);
    settings.address_limit = read.count(param::smtp_mx_address_limit);
    settings.session_limit = read.count(param::smtp_mx_session_limit);
}

}  // namespace

routing::Lookup lookup_of(Dialect dialect)
{
    return dialect == Dialect::Lmtp ? routing::Lookup::HostsOnly : routing::Lookup::MailExchangers;
}

Result<Settings> read_settings(const config::Config& config, Dialect dialect)
{
    Reader read(config, dialect);
    Settings settings;
    settings.dialect = dialect;
    settings.myhostname = config.get(param::myhostname);
    settings.helo_name = read(param::smtp_helo_name);
    settings.ports = routing::PortNames(config.get(param::known_tcp_ports));
    TRY(settings.default_port, settings.ports.find(read(param::smtp_tcp_port)));
    settings.timeouts = {.connect = read.timeout(param::smtp_connect_timeout),
                         .helo = read.timeout(param::smtp_helo_timeout),
                         .mail = read.timeout(param::smtp_mail_timeout),
                         .rcpt = read.timeout(param::smtp_rcpt_timeout),
                         .data_init = read.timeout(param::smtp_data_init_timeout),
                         .data_xfer = read.timeout(param::smtp_data_xfer_timeout),
                         .data_done = read.timeout(param::smtp_data_done_timeout),
                         .quit = read.timeout(param::smtp_quit_timeout),
                         .rset = read.timeout(param::smtp_rset_timeout),
                         .xforward = read.timeout(param::smtp_xforward_timeout)};
    read_lookups(settings, config, read);
    TRY(read_dns(settings, config, read));
    TRY(read_workarounds(settings, read));
    if (dialect == Dialect::Smtp)
        settings.relayhost = trim(config.get(param::relayhost));
    settings.fallback_relays = routing::parse_nexthops(read(param::smtp_fallback_relay), lookup_of(dialect),
                                                       settings.default_port, settings.ports);
    settings.best_mx_transport = routing::parse_transport(config.get(param::best_mx_transport));
    TRY(settings.bind_v4, bind_address("smtp_bind_address", read(param::smtp_bind_address)));
    TRY(settings.bind_v6, bind_address("smtp_bind_address6", read(param::smtp_bind_address6)));
    settings.bind_enforce = read(param::smtp_bind_address_enforce);

    settings.always_ehlo = config.get(param::smtp_always_send_ehlo);
    settings.never_ehlo = config.get(param::smtp_never_send_ehlo);
    settings.skip_5xx_greeting = read(param::smtp_skip_5xx_greeting);
    settings.skip_quit_response = read(param::smtp_skip_quit_response);
    settings.quote_envelope = read(param::smtp_quote_rfc821_envelope);
    settings.send_xforward = read(param::smtp_send_xforward_command);
    settings.assume_final = dialect == Dialect::Lmtp && config.get(param::lmtp_assume_final);
    settings.per_request_deadline = read(param::smtp_per_request_deadline);
    settings.min_data_rate = static_cast<unsigned>(read(param::smtp_min_data_rate));
    settings.line_limit = read.count(param::smtp_line_length_limit);
    settings.converts_output = !config.get(param::disable_mime_output_conversion);
    settings.mime_limits = inspect::read_structure_limits(config);
    settings.notifies_protocol =
        smtp::ErrorClasses::parse(config.get(param::notify_classes)).has(smtp::ErrorClass::Protocol);
    TRY(server::WatchedPeers watched, server::WatchedPeers::open(config));
    settings.watched_peers = std::make_shared<server::WatchedPeers>(std::move(watched));
    std::vector<std::string> unknown;
    settings.suppressed = smtp::parse_discard_keywords(read(param::smtp_discard_ehlo_keywords), unknown);
    for (const std::string& keyword : unknown)
        log::warning("smtp_discard_ehlo_keywords: unknown keyword {}", keyword);

    TRY(table::Maps by_address, table::Maps::open(read(param::smtp_discard_ehlo_keyword_address_maps)));
    settings.suppressed_by_address = std::make_shared<table::Maps>(std::move(by_address));

    TRY(settings.content_tables, open_content_tables(config, dialect));
    settings.cache_on_demand = read(param::smtp_connection_cache_on_demand);
    settings.cache_time = read(param::smtp_connection_cache_time_limit);
    settings.reuse_time = read(param::smtp_connection_reuse_time_limit);
    settings.reuse_count = static_cast<unsigned>(read(param::smtp_connection_reuse_count_limit));
    return settings;
}

}  // namespace posthaste::smtp_client
