// facts_of.h — facts.h from a connection's state, for the sources of this folder.
#pragma once

#include "tls/context_impl.h"
#include "tls/facts.h"

namespace posthaste::tls {

// Of a connection whose handshake is over, on the server's side.
Facts facts_of(SSL* ssl, const ServerContext::Impl& context);

}  // namespace posthaste::tls
