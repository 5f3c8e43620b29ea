// openssl.h — OpenSSL's objects with an owner, and its errors as text. Only for sources of this folder: nobody else
// sees OpenSSL's headers.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <memory>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::tls {

struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};

using Bio = std::unique_ptr<BIO, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;
using ContextHandle = std::unique_ptr<SSL_CTX, Free>;
using SslHandle = std::unique_ptr<SSL, Free>;

constexpr std::size_t largest_file = std::size_t{1} << 20;  // of a certificate or a key, with its chain

// No daemon can ask for the password of a key.
inline int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return -1; }

// The text as a stream that OpenSSL reads; it must outlive the stream. Limit: out of memory.
Result<Bio> open_text(const std::string& text);

// Empties this thread's queue of errors. Each as "error:0A000102:SSL routines::unsupported protocol:FILE:LINE:DATA",
// the one with which it began first; empty if there is none.
std::vector<std::string> take_errors();
// The first of them; `otherwise` if there is none.
std::string take_error(std::string_view otherwise);

}  // namespace posthaste::tls
