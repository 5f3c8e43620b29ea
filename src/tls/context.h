// context.h — what all TLS connections of a server share: certificates, keys, versions, ciphers, whom to trust.
#pragma once

#include "base/result.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace posthaste::tls {

// PEM files: a certificate with those of its issuers behind it, and the private key, which may stand in the same file.
struct KeyFiles {
    std::string certificate;
    std::string key;
};

// Values as in postconf(5), of the parameters that the comments name.
struct ServerSettings {
    std::string chain_files;      // smtpd_tls_chain_files: takes the place of pairs
    std::vector<KeyFiles> pairs;  // smtpd_tls_cert_file and its like; one for each kind of key
    bool anonymous = false;       // smtpd_tls_cert_file = none
    std::string ca_file;
    std::string ca_path;
    bool append_default_ca = false;
    bool ask_certificate = false;
    int verify_depth = 0;
    std::string protocols;                    // smtpd_tls_protocols, or smtpd_tls_mandatory_protocols
    std::string ciphers;                      // as ciphers(1) has them (tls/ciphers.h)
    std::string dh_parameters;                // smtpd_tls_dh1024_param_file
    std::string curves;                       // tls_eecdh_auto_curves
    std::string finite_fields;                // tls_ffdhe_auto_groups
    bool own_preference = false;              // tls_preempt_cipherlist
    std::string options;                      // tls_ssl_options
    std::string workarounds_off;              // tls_disable_workarounds
    std::chrono::seconds session_timeout{0};  // 0: sessions are not resumed
    bool session_ids = true;                  // smtpd_tls_always_issue_session_ids
    std::string fingerprint_digest;
    bool log_negotiation = false;  // the steps of each handshake
};

// Never changes once it is open, so that connections share it.
class ServerContext {
public:
    // What is wrong, but can be done without, is added to warnings. Errors: of the files; Invalid for words that do not
    // exist and keys that do not fit. The text says which file or parameter.
    static Result<std::shared_ptr<const ServerContext>> open(const ServerSettings& settings,
                                                             std::vector<std::string>& warnings);
    ~ServerContext();
    ServerContext(const ServerContext&) = delete;
    ServerContext& operator=(const ServerContext&) = delete;

    struct Impl;
    [[nodiscard]] const Impl& impl() const { return *impl_; }

private:
    explicit ServerContext(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// The files that a context is made of: whoever keeps one for long opens another when one of them changes.
std::vector<std::string> files_of(const ServerSettings& settings);

}  // namespace posthaste::tls
