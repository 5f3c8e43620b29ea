// tls.cc — see tls.h.
#include "daemon/smtpd/tls.h"

#include "base/text.h"
#include "log/log.h"
#include "param/smtpd_tls.h"
#include "param/tls_ciphers.h"
#include "param/tls_trust.h"
#include "param/tlsmgr.h"
#include "table/text_source.h"
#include "tls/ciphers.h"

#include <algorithm>
#include <array>
#include <unistd.h>
#include <utility>

namespace posthaste::smtpd {

namespace {

// Levels of the SMTP client. For a server those that verify the other side mean no more than encrypt (TLS_README,
// "server-side").
constexpr std::array<std::string_view, 3> client_levels{"verify", "secure", "fingerprint"};

std::vector<tls::KeyFiles> key_files(const config::Config& config)
{
    std::vector<tls::KeyFiles> pairs{
        {config.get(param::smtpd_tls_cert_file), config.get(param::smtpd_tls_key_file)},
        {config.get(param::smtpd_tls_dcert_file), config.get(param::smtpd_tls_dkey_file)},
        {config.get(param::smtpd_tls_eccert_file), config.get(param::smtpd_tls_eckey_file)},
    };
    std::erase_if(pairs,
                  [](const tls::KeyFiles& pair) { return pair.certificate.empty() || pair.certificate == "none"; });
    for (tls::KeyFiles& pair : pairs) {
        if (pair.key.empty())
            pair.key = pair.certificate;
    }
    return pairs;
}

// Who is asked for a certificate needs one from us (RFC 5246 7.4.4): no anonymous ciphers then.
Result<std::string> ciphers(const config::Config& config, bool mandatory, bool asks_for_certificate)
{
    const tls::CipherLists lists{.high = config.get(param::tls_high_cipherlist),
                                 .medium = config.get(param::tls_medium_cipherlist),
                                 .null = config.get(param::tls_null_cipherlist)};
    std::string excluded = config.get(param::smtpd_tls_exclude_ciphers);
    if (mandatory)
        excluded += ' ' + config.get(param::smtpd_tls_mandatory_exclude_ciphers);
    if (asks_for_certificate)
        excluded += " aNULL";
    return tls::cipher_list(config.get(mandatory ? param::smtpd_tls_mandatory_ciphers : param::smtpd_tls_ciphers),
                            lists, excluded);
}

Result<tls::ServerSettings> settings_of(const config::Config& config, TlsLevel level, bool asks_for_certificate)
{
    const bool mandatory = level == TlsLevel::Encrypt;
    tls::ServerSettings settings;
    if (const std::string& files = config.get(param::smtpd_tls_chain_files);
        !split(files, table::list_separators).empty())
        settings.chain_files = files;
    settings.pairs = key_files(config);
    settings.anonymous =
        settings.chain_files.empty() && settings.pairs.empty() && config.get(param::smtpd_tls_cert_file) == "none";
    if (!settings.chain_files.empty() && !settings.pairs.empty())
        log::warning(
            "Both smtpd_tls_chain_files and one or more of the legacy  smtpd_tls_cert_file, "
            "smtpd_tls_eccert_file or smtpd_tls_dcert_file are non-empty; the legacy  parameters will be ignored");
    settings.ca_file = config.get(param::smtpd_tls_CAfile);
    settings.ca_path = config.get(param::smtpd_tls_CApath);
    settings.append_default_ca = config.get(param::tls_append_default_CA);
    settings.ask_certificate = asks_for_certificate;
    settings.verify_depth = config.get(param::smtpd_tls_ccert_verifydepth);
    settings.protocols = config.get(mandatory ? param::smtpd_tls_mandatory_protocols : param::smtpd_tls_protocols);
    TRY(settings.ciphers, ciphers(config, mandatory, asks_for_certificate));
    settings.dh_parameters = config.get(param::smtpd_tls_dh1024_param_file);
    settings.curves = config.get(param::tls_eecdh_auto_curves);
    settings.finite_fields = config.get(param::tls_ffdhe_auto_groups);
    settings.own_preference = config.get(param::tls_preempt_cipherlist);
    settings.options = config.get(param::tls_ssl_options);
    settings.workarounds_off = config.get(param::tls_disable_workarounds);
    settings.session_timeout = config.get(param::smtpd_tls_session_cache_timeout);
    settings.session_ids = config.get(param::smtpd_tls_always_issue_session_ids);
    settings.fingerprint_digest = config.get(param::smtpd_tls_fingerprint_digest);
    return settings;
}

// A number, or names of what is to be logged: postconf(5) smtpd_tls_loglevel. There are three levels: nothing, a line a
// handshake, and the steps of it.
int log_level(std::string_view text)
{
    struct Name {
        std::string_view name;
        int level;
    };
    constexpr std::array names{Name{"none", 0},      Name{"routine", 1},   Name{"summary", 1}, Name{"untrusted", 1},
                               Name{"peercert", 2},  Name{"certmatch", 2}, Name{"verbose", 2}, Name{"cache", 2},
                               Name{"ssl-debug", 2}, Name{"debug", 2}};
    int level = 0;
    for (std::string_view word : split(text, table::list_separators)) {
        const auto number = parse_number<int>(word);
        const auto* known =
            std::ranges::find_if(names, [&](const Name& name) { return equal_ignoring_case(name.name, word); });
        if (number)
            level = std::max(level, *number);
        else if (known != names.end())
            level = std::max(level, known->level);
        else
            log::warning("unknown smtpd_tls_loglevel value \"{}\" in \"{}\"", word, text);
    }
    return level;
}

}  // namespace

Result<TlsLevel> tls_level(const config::Config& config)
{
    if (config.get(param::smtpd_tls_wrappermode))
        return TlsLevel::Encrypt;
    const std::string& word = config.get(param::smtpd_tls_security_level);
    if (word.empty() && config.get(param::smtpd_enforce_tls))
        return TlsLevel::Encrypt;
    if (word.empty())
        return config.get(param::smtpd_use_tls) ? TlsLevel::May : TlsLevel::None;
    if (equal_ignoring_case(word, "none"))
        return TlsLevel::None;
    if (equal_ignoring_case(word, "may"))
        return TlsLevel::May;
    if (equal_ignoring_case(word, "encrypt"))
        return TlsLevel::Encrypt;
    if (std::ranges::any_of(client_levels, [&](std::string_view level) { return equal_ignoring_case(word, level); })) {
        log::warning("smtpd_tls_security_level: unsupported TLS level \"{}\", using \"encrypt\"", word);
        return TlsLevel::Encrypt;
    }
    return fail(ErrorKind::Invalid,
                "smtpd_tls_security_level: Invalid TLS level \"" + word + "\": it is none, may or encrypt");
}

Result<std::unique_ptr<Tls>> Tls::open(const config::Config& config)
{
    std::unique_ptr<Tls> tls(new Tls);
    TRY(tls->level_, tls_level(config));
    if (tls->level_ == TlsLevel::None)
        return tls;
    tls->wrapped_ = config.get(param::smtpd_tls_wrappermode);
    tls->needs_certificate_ = config.get(param::smtpd_tls_req_ccert);
    if (tls->needs_certificate_ && tls->level_ != TlsLevel::Encrypt) {
        log::warning("Can't require client certs unless TLS is required");
        tls->needs_certificate_ = false;
    }
    tls->log_level_ = log_level(config.get(param::smtpd_tls_loglevel));
    if (tls->logs_negotiation())
        log::info("initializing the server-side TLS engine");
    auto settings = settings_of(config, tls->level_, tls->needs_certificate_ || config.get(param::smtpd_tls_ask_ccert));
    Result<void> opened = settings ? Result<void>() : fail(settings.error());
    if (settings) {
        tls->settings_ = std::move(*settings);
        tls->settings_.log_negotiation = tls->logs_negotiation();
        for (std::string& file : tls::files_of(tls->settings_))
            tls->files_.emplace_back(std::move(file));
        opened = tls->open_context();
    }
    if (!opened) {
        tls->problem_ = opened.error().text();
        log::warning("{}. TLS won't be enabled", tls->problem_);
    }
    return tls;
}

Result<void> Tls::open_context()
{
    if (settings_.chain_files.empty() && settings_.pairs.empty() && !settings_.anonymous)
        return fail(ErrorKind::NotFound, "No server certs available");
    if (settings_.anonymous && settings_.ask_certificate)
        return fail(ErrorKind::Invalid, "Need a server cert to request client certs");
    std::vector<std::string> warnings;
    TRY(context_, tls::ServerContext::open(settings_, warnings));
    for (const std::string& text : warnings)
        log::warning("{}", text);
    return {};
}

std::shared_ptr<const tls::ServerContext> Tls::context()
{
    // All of them are asked, so that a pair of files that was renewed together is read once.
    bool changed = false;
    for (table::FollowedFile& file : files_)
        changed |= file.changed_and_at_rest();
    constexpr auto pause = std::chrono::seconds(5);
    if (changed || (retry_at_ && net::Clock::now() >= *retry_at_)) {
        reopen();
        retry_at_ = problem_.empty() ? std::nullopt : std::optional(net::Clock::now() + pause);
    }
    return context_;
}

// A certificate whose key has not come yet, or a file that cannot be opened now, is no reason to be without TLS: what
// was read before stays in use, and it is tried again. What only root may read is for a successor of this process.
void Tls::reopen()
{
    auto opened = open_context();
    if (opened) {
        log::info("TLS certificates and keys have changed and were read again");
        problem_.clear();
        return;
    }
    if (opened.error().kind() == ErrorKind::Denied) {
        for (table::FollowedFile& file : files_) {
            if (::eaccess(file.path().c_str(), R_OK) != 0)
                file.could_not_open(opened.error());
        }
    } else if (problem_ != opened.error().text()) {
        log::warning("{}: {}", opened.error().text(), context_ ? "what was read before stays in use" : "no TLS");
    }
    problem_ = opened.error().text();
}

}  // namespace posthaste::smtpd
