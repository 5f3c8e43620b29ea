// context_impl.h — what a ServerContext has inside, for the sources of this folder.
#pragma once

#include "tls/context.h"
#include "tls/openssl.h"

namespace posthaste::tls {

struct ServerContext::Impl {
    ContextHandle handle;
    const EVP_MD* digest = nullptr;  // for fingerprints; static in OpenSSL
    bool asks_for_certificate = false;
};

}  // namespace posthaste::tls
