// certificate.h — whether a certificate and a private key, as smtpd_tls_cert_file and its like name them, can be used:
// readable, well-formed, belonging together, and for how long. What a server finds out when it starts, found out
// before.
#pragma once

#include "base/result.h"

#include <chrono>
#include <string>

namespace posthaste::tls {

struct CertificateFacts {
    std::chrono::system_clock::time_point expires;
};

// cert_file and key_file are PEM files; they may be the same. NotFound, Denied, Io: a file cannot be read. Invalid: it
// holds no certificate or no private key, or the key is another one's; the text names the file. A key that is protected
// by a password counts as Invalid: no daemon can ask for it.
Result<CertificateFacts> check_certificate(const std::string& cert_file, const std::string& key_file);

}  // namespace posthaste::tls
