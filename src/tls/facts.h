// facts.h — what is known of a connection once both sides have agreed: for the log, the Received: header, and decisions
// about clients with certificates.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthaste::tls {

struct PeerCertificate {
    std::string common_name;         // of the subject; empty: it has none
    std::string issuer_common_name;  // of the issuer, or its organization
    std::string fingerprint;         // of the whole certificate, "AB:CD:..." in the digest that was asked for
    std::string key_fingerprint;     // of its public key (SubjectPublicKeyInfo), the same
    bool trusted = false;            // a chain leads to an authority that we trust, and all of it is valid now
    std::string problem;             // why it is not: "untrusted issuer /CN=Other CA"
    bool problem_of_chain = false;   // no chain was found; else something is wrong with a certificate of it
};

struct Facts {
    std::string protocol;  // "TLSv1.3"
    std::string cipher;
    int bits = 0;
    int algorithm_bits = 0;
    // Only with TLS 1.3, whose ciphers do not say it:
    std::string server_details;  // "key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256"
    std::string client_details;  // "client-signature ECDSA (prime256v1) client-digest SHA256"
    bool resumed = false;
    bool asked_for_certificate = false;
    std::optional<PeerCertificate> peer;
};

// How far the client is known: "Anonymous", "Untrusted", "Trusted".
std::string_view trust(const Facts& facts);
// "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 ..."
std::string summary(const Facts& facts);

}  // namespace posthaste::tls
