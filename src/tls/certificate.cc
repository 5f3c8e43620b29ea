// certificate.cc — see certificate.h.
#include "tls/certificate.h"

#include "base/fd.h"
#include "tls/openssl.h"

#include <ctime>
#include <openssl/err.h>
#include <openssl/pem.h>

namespace posthaste::tls {

Result<CertificateFacts> check_certificate(const std::string& cert_file, const std::string& key_file)
{
    TRY(std::string cert_text, read_file(cert_file, largest_file));
    TRY(std::string key_text, read_file(key_file, largest_file));
    TRY(Bio cert_bio, open_text(cert_text));
    const Certificate certificate(PEM_read_bio_X509(cert_bio.get(), nullptr, no_password, nullptr));
    TRY(Bio key_bio, open_text(key_text));
    const Key key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_password, nullptr));
    ERR_clear_error();
    if (!certificate)
        return fail(ErrorKind::Invalid, cert_file + ": no certificate in PEM form");
    if (!key)
        return fail(ErrorKind::Invalid, key_file + ": no private key in PEM form, or one with a password");
    const bool belongs = X509_check_private_key(certificate.get(), key.get()) == 1;
    ERR_clear_error();
    if (!belongs)
        return fail(ErrorKind::Invalid, key_file + ": this key does not belong to the certificate in " + cert_file);
    std::tm end{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1)
        return fail(ErrorKind::Invalid, cert_file + ": the end of its validity cannot be read");
    return CertificateFacts{.expires = std::chrono::system_clock::from_time_t(::timegm(&end))};
}

}  // namespace posthaste::tls
