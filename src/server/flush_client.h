// flush_client.h — how smtpd and postqueue ask the flush service for the mail of a site (flush/protocol.h).
#pragma once

#include "daemon/flush/protocol.h"
#include "net/task.h"

#include <string>

namespace posthaste::server {

// service: flush_service_name; the queue directory is the working directory. One connection, one request. Errors: the
// service cannot be reached or does not answer in time.
Task<Result<flush::Outcome>> ask_flush_service(std::string service, flush::Request request);

}  // namespace posthaste::server
