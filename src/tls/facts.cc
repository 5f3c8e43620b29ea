// facts.cc — see facts.h and facts_of.h.
#include "tls/facts.h"

#include "tls/facts_of.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>

namespace posthaste::tls {

namespace {

// The name of a key's curve.
std::string curve_of(EVP_PKEY* key)
{
    char name[64] = "";
    std::size_t size = 0;
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name, &size) != 1)
        return "unknown";
    return name;
}

// "RSA-PSS (2048 bits)", "ECDSA (prime256v1)", "Ed25519": a key, as the algorithm that signs with it is called.
std::string signature_text(EVP_PKEY* key, int algorithm)
{
    const int bits = key ? EVP_PKEY_get_bits(key) : 0;
    switch (algorithm) {
    case EVP_PKEY_RSA: return fmt::format("RSA ({} bits)", bits);
    case EVP_PKEY_RSA_PSS: return fmt::format("RSA-PSS ({} bits)", bits);
    case EVP_PKEY_EC: return fmt::format("ECDSA ({})", key ? curve_of(key) : "unknown");
    case EVP_PKEY_DSA: return fmt::format("DSA ({} bits)", bits);
    default: return OBJ_nid2sn(algorithm);
    }
}

std::string key_exchange_text(EVP_PKEY* key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_DH: return fmt::format("DHE ({} bits)", EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC: return fmt::format("ECDHE ({})", curve_of(key));
    default: return OBJ_nid2sn(EVP_PKEY_get_base_id(key));
    }
}

std::string digest_text(std::string_view side, int digest)
{
    return digest == NID_undef ? std::string() : fmt::format(" {}-digest {}", side, OBJ_nid2sn(digest));
}

std::string server_details_of(SSL* ssl)
{
    std::string text;
    if (EVP_PKEY* temporary = nullptr; SSL_get_peer_tmp_key(ssl, &temporary) == 1) {
        const Key key(temporary);
        text += "key-exchange " + key_exchange_text(key.get());
    }
    int algorithm = NID_undef;
    int digest = NID_undef;
    if (SSL_get_signature_type_nid(ssl, &algorithm) == 1 && algorithm != NID_undef) {
        SSL_get_signature_nid(ssl, &digest);
        text +=
            " server-signature " + signature_text(SSL_get_privatekey(ssl), algorithm) + digest_text("server", digest);
    }
    return text;
}

std::string client_details_of(SSL* ssl)
{
    const X509* peer = SSL_get0_peer_certificate(ssl);
    int algorithm = NID_undef;
    int digest = NID_undef;
    if (!peer || SSL_get_peer_signature_type_nid(ssl, &algorithm) != 1 || algorithm == NID_undef)
        return {};
    SSL_get_peer_signature_nid(ssl, &digest);
    return "client-signature " + signature_text(X509_get0_pubkey(peer), algorithm) + digest_text("client", digest);
}

// Anybody can make a certificate with any name. What may stand in a log line, a reply and the comment of a header
// (RFC 5322 3.2.2), at most 64 characters of it (RFC 5280 A.1, ub-common-name): printable ASCII without what ends or
// nests any of them; the rest is '?'.
std::string harmless(std::string_view text)
{
    constexpr std::size_t longest = 64;
    std::string result;
    for (const char c : text.substr(0, longest)) {
        const bool printable = c >= ' ' && c <= '~';
        result += printable && std::string_view("()<>\"\\").find(c) == std::string_view::npos ? c : '?';
    }
    return result;
}

// The last entry of a kind in a name.
std::string entry(const X509_NAME* name, int kind)
{
    int last = -1;
    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, kind, at)) >= 0;)
        last = at;
    if (last < 0)
        return {};
    unsigned char* text = nullptr;
    const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
    if (size < 0)
        return {};
    std::string value = harmless({reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)});
    OPENSSL_free(text);
    return value;
}

// "/C=XX/CN=Name", without what could break a line.
std::string one_line(const X509_NAME* name)
{
    char text[256] = "";
    X509_NAME_oneline(name, text, sizeof text);
    return text;  // other bytes than printable ones are escaped by OpenSSL
}

std::string hex(const unsigned char* bytes, unsigned size)
{
    std::string text;
    for (unsigned i = 0; i < size; ++i)
        text += fmt::format("{}{:02X}", i == 0 ? "" : ":", bytes[i]);
    return text;
}

PeerCertificate describe(SSL* ssl, const X509* certificate, const EVP_MD* digest)
{
    PeerCertificate peer;
    peer.common_name = entry(X509_get_subject_name(certificate), NID_commonName);
    const X509_NAME* issuer = X509_get_issuer_name(certificate);
    peer.issuer_common_name = entry(issuer, NID_commonName);
    if (peer.issuer_common_name.empty())
        peer.issuer_common_name = entry(issuer, NID_organizationName);
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(certificate, digest, value, &size) == 1)
        peer.fingerprint = hex(value, size);
    unsigned char* key = nullptr;
    const int key_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
    if (key_size > 0 && EVP_Digest(key, static_cast<std::size_t>(key_size), value, &size, digest, nullptr) == 1)
        peer.key_fingerprint = hex(value, size);
    OPENSSL_free(key);
    const long verdict = SSL_get_verify_result(ssl);
    peer.trusted = verdict == X509_V_OK;
    if (peer.trusted)
        return peer;
    peer.problem_of_chain = true;
    switch (verdict) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: peer.problem = "untrusted issuer " + one_line(issuer); break;
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        peer.problem = fmt::format("certificate chain longer than limit({})", SSL_get_verify_depth(ssl));
        break;
    default: peer.problem_of_chain = false; peer.problem = X509_verify_cert_error_string(verdict);
    }
    return peer;
}

}  // namespace

Facts facts_of(SSL* ssl, const ServerContext::Impl& context)
{
    Facts facts;
    facts.protocol = SSL_get_version(ssl);
    facts.cipher = SSL_get_cipher_name(ssl);
    facts.bits = SSL_get_cipher_bits(ssl, &facts.algorithm_bits);
    if (SSL_version(ssl) == TLS1_3_VERSION) {
        facts.server_details = server_details_of(ssl);
        facts.client_details = client_details_of(ssl);
    }
    facts.resumed = SSL_session_reused(ssl) == 1;
    facts.asked_for_certificate = context.asks_for_certificate;
    if (const X509* peer = SSL_get0_peer_certificate(ssl))
        facts.peer = describe(ssl, peer, context.digest);
    take_errors();
    return facts;
}

std::string_view trust(const Facts& facts)
{
    if (!facts.peer)
        return "Anonymous";
    return facts.peer->trusted ? "Trusted" : "Untrusted";
}

std::string summary(const Facts& facts)
{
    std::string text =
        fmt::format("{} with cipher {} ({}/{} bits)", facts.protocol, facts.cipher, facts.bits, facts.algorithm_bits);
    for (const std::string* details : {&facts.server_details, &facts.client_details}) {
        if (!details->empty())
            text += ' ' + *details;
    }
    return text;
}

}  // namespace posthaste::tls
