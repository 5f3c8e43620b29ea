// connection.h — TLS on a stream.
#pragma once

#include "base/result.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/task.h"
#include "tls/context.h"
#include "tls/facts.h"

#include <memory>

namespace posthaste::tls {

// The server's side of the handshake, at the point of the stream where the client's first byte of it comes; what is
// buffered is thrown away. Afterwards everything goes through TLS. After an error the stream can only be closed.
// Timeout and Closed as of the stream. Invalid: the two cannot agree, or what came is no TLS; the text is OpenSSL's, a
// line for each of its errors.
Task<Result<Facts>> accept(net::Stream* stream, std::shared_ptr<const ServerContext> context, net::Deadline deadline);

}  // namespace posthaste::tls
