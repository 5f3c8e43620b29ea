// check_certificates.cc — certificates and keys that main.cf and master.cf name can be read and belong together. A
// server that cannot load them has no TLS, and clients that insist on it stay away.
#include "base/text.h"
#include "command/postfix/checks.h"
#include "table/text_source.h"
#include "tls/certificate.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

namespace posthaste::postfix {

namespace {

constexpr std::string_view users[] = {"smtpd", "smtp", "lmtp"};
constexpr std::string_view kinds[] = {"cert", "eccert", "dcert"};  // any, ECDSA, DSA
constexpr std::chrono::days soon{14};

// smtpd_tls_cert_file has smtpd_tls_key_file, smtpd_tls_eccert_file has smtpd_tls_eckey_file.
std::string key_parameter(std::string_view user, std::string_view kind)
{
    return fmt::format("{}_tls_{}key_file", user, kind.substr(0, kind.size() - std::string_view("cert").size()));
}

void check_pair(const std::string& cert_file, const std::string& key_file, Finding finding, Findings& findings)
{
    if (cert_file.empty() || cert_file == "none")
        return;
    auto facts = tls::check_certificate(cert_file, key_file.empty() ? cert_file : key_file);
    const auto now = std::chrono::system_clock::now();
    if (!facts) {
        finding.text = facts.error().text();
        finding.remedy = "without it there is no TLS";
    } else if (facts->expires < now) {
        finding.text = cert_file + ": the certificate has expired";
        finding.remedy = "renew it";
    } else if (facts->expires < now + soon) {
        finding.text = fmt::format("{}: the certificate expires in {} days", cert_file,
                                   std::chrono::duration_cast<std::chrono::days>(facts->expires - now).count());
        finding.remedy = "renew it";
    } else {
        return;
    }
    findings.push_back(std::move(finding));
}

// smtpd_tls_chain_files: of files with a key and its certificate, when they expire. What cannot be used the server's
// program says (check_services.cc).
void check_chain_files(std::string_view files, const Finding& finding, Findings& findings)
{
    for (std::string_view file : split(files, table::list_separators)) {
        if (const std::string path(file); tls::check_certificate(path, path))
            check_pair(path, path, finding, findings);
    }
}

}  // namespace

namespace checks {

void certificates(const Subject& subject, Findings& findings)
{
    auto value = [&](const std::string& name) {
        auto found = subject.config.value_of(name);
        return found ? found->value_or("") : "";
    };
    const std::string chains = "smtpd_tls_chain_files";
    check_chain_files(value(chains),
                      {.severity = Severity::Warning, .place = place_of(subject.config, chains), .parameter = chains},
                      findings);
    for (std::string_view user : users) {
        for (std::string_view kind : kinds) {
            const std::string cert = fmt::format("{}_tls_{}_file", user, kind);
            const std::string key = key_parameter(user, kind);
            check_pair(value(cert), value(key),
                       {.severity = Severity::Warning, .place = place_of(subject.config, cert), .parameter = cert},
                       findings);
            for (const config::MasterService& service : subject.master_cf.services) {
                auto own = [&](const std::string& name) {
                    auto set = std::ranges::find(service.overrides, name, &std::pair<std::string, std::string>::first);
                    return set == service.overrides.end() ? value(name) : subject.config.expand(set->second);
                };
                if (own(cert) != value(cert) || own(key) != value(key))
                    check_pair(own(cert), own(key),
                               {.severity = Severity::Warning,
                                .place = service.place,
                                .parameter = cert,
                                .service = key_of(service)},
                               findings);
            }
        }
    }
}

}  // namespace checks
}  // namespace posthaste::postfix
