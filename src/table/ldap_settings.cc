// ldap_settings.cc — see ldap_settings.h.
#include "table/ldap_settings.h"

#include "base/text.h"
#include "table/registry.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

Result<LdapBind> bind_of(const SourceSettings& file)
{
    const std::string text = file.text("bind", "yes");
    for (std::string_view word : {"yes", "simple"})
        if (equal_ignoring_case(text, word))
            return LdapBind::Simple;
    for (std::string_view word : {"no", "none"})
        if (equal_ignoring_case(text, word))
            return LdapBind::None;
    if (equal_ignoring_case(text, "sasl"))
        return LdapBind::Sasl;
    return fail(ErrorKind::Invalid, fmt::format("{}: unsupported parameter value: bind = {}", file.path(), text));
}

Result<void> set_sasl(LdapLogin& login, const SourceSettings& file)
{
    constexpr int highest_factor = 4096;
    login.sasl_mechs = file.text("sasl_mechs");
    login.sasl_realm = file.text("sasl_realm");
    login.sasl_authz_id = file.text("sasl_authz_id");
    TRY(login.sasl_minssf, file.number("sasl_minssf", 0, 0, highest_factor));
    return {};
}

Result<void> set_tls(LdapLogin& login, const SourceSettings& file)
{
    TRY(login.start_tls, file.yes_or_no("start_tls", false));
    TRY(login.tls_require_cert, file.yes_or_no("tls_require_cert", false));
    login.tls_ca_cert_dir = file.text("tls_ca_cert_dir");
    login.tls_ca_cert_file = file.text("tls_ca_cert_file");
    login.tls_cert = file.text("tls_cert");
    login.tls_key = file.text("tls_key");
    login.tls_cipher_suite = file.text("tls_cipher_suite");
    return {};
}

}  // namespace

Result<LdapLogin> ldap_login_of(const SourceSettings& file, const OpenOptions& options)
{
    LdapLogin login;
    TRY(login.version, file.number("version", 3, 2, 3));
    TRY(login.bind, bind_of(file));
    login.bind_dn = file.text("bind_dn");
    login.bind_pw = file.text("bind_pw");
    if (login.bind == LdapBind::Sasl) {  // elsewhere these settings are not looked at
        TRY(set_sasl(login, file));
    }
    TRY(login.dereference, file.number("dereference", 0, 0, 3));
    const std::string chase_referrals = file.text("chase_referrals");
    login.chase_referrals = chase_referrals == "1" || equal_ignoring_case(chase_referrals, "yes");
    TRY(set_tls(login, file));
    constexpr int needed = 3;
    const bool newer = login.bind == LdapBind::Sasl || login.start_tls || login.chase_referrals ||
                       file.text("server_host").contains("ldaps:");
    if (newer && login.version < needed) {
        warn(options,
             fmt::format("dict_ldap_open: {}: SASL, TLS and referrals need version = 3, which is used", file.path()));
        login.version = needed;
    }
    for (std::string_view name : {"cache", "cache_expiry", "cache_size"})
        if (file.has(name))
            warn(options, fmt::format("dict_ldap_open: {} ignoring {}", file.path(), name));
    return login;
}

}  // namespace posthaste::table
