// TLS of an SMTP server process: whether it is offered or demanded, with which keys, and what of it is logged.
#pragma once

#include "config/config.h"
#include "net/loop.h"
#include "table/followed_file.h"
#include "tls/context.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace posthaste::smtpd {

enum class TlsLevel : std::uint8_t { None, May, Encrypt };

// postconf(5) smtpd_tls_security_level; where that is empty, smtpd_use_tls and smtpd_enforce_tls; Encrypt with
// smtpd_tls_wrappermode. Invalid: no such level.
Result<TlsLevel> tls_level(const config::Config& config);

// One a process. Opened before the jail, follows its files: a renewed certificate is used from the next handshake on,
// or where it is out of reach now, by a successor of this process. Loop's thread.
class Tls {
public:
    // Errors: Invalid of tls_level(). What else is wrong, such as a certificate that cannot be read, is logged, and TLS
    // is not available.
    static Result<std::unique_ptr<Tls>> open(const config::Config& config);

    // Where nobody is to use it (sendmail -bs).
    static std::unique_ptr<Tls> none() { return std::unique_ptr<Tls>(new Tls); }

    [[nodiscard]] TlsLevel level() const { return level_; }
    // Connections begin with TLS (smtpd_tls_wrappermode).
    [[nodiscard]] bool wrapped() const { return wrapped_; }
    // Null: not available, for a reason that the log has.
    [[nodiscard]] std::shared_ptr<const tls::ServerContext> context();
    // Why it is not, or why what changed is not in use; empty if all is well, or nobody asked for it.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    // A client needs a certificate that can be verified (smtpd_tls_req_ccert, with mandatory TLS).
    [[nodiscard]] bool needs_certificate() const { return needs_certificate_; }
    // smtpd_tls_loglevel.
    [[nodiscard]] bool logs_summary() const { return log_level_ > 0; }
    [[nodiscard]] bool logs_negotiation() const { return log_level_ > 1; }
    [[nodiscard]] const tls::ServerSettings& settings() const { return settings_; }

private:
    Tls() = default;
    Result<void> open_context();
    void reopen();

    TlsLevel level_ = TlsLevel::None;
    bool wrapped_ = false;
    bool needs_certificate_ = false;
    int log_level_ = 0;
    std::string problem_;  // that was met when it was opened last
    std::optional<net::Clock::time_point> retry_at_;
    tls::ServerSettings settings_;
    std::shared_ptr<const tls::ServerContext> context_;
    std::vector<table::FollowedFile> files_;
};

}  // namespace posthaste::smtpd
