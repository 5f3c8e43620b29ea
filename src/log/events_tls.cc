// events_tls.cc — see events_tls.h.
#include "log/events_tls.h"

#include "base/result.h"
#include "base/text.h"
#include "log/log.h"

namespace posthaste::log {

void tls_accepted(std::string_view who, std::string_view trust, std::string_view summary)
{
    info("{} TLS connection established from {}: {}", trust, who, summary);
}

void tls_accept_failed(std::string_view who, const Error& error)
{
    switch (error.kind()) {
    case ErrorKind::Timeout: info("SSL_accept error from {}: Connection timed out", who); return;
    case ErrorKind::Closed: info("SSL_accept error from {}: lost connection", who); return;
    case ErrorKind::Invalid:
        info("SSL_accept error from {}: -1", who);
        tls_library_problem(error.text());
        return;
    default: info("SSL_accept error from {}: {}", who, error.text());
    }
}

void tls_verification_failed(std::string_view who, bool problem_of_chain, std::string_view problem)
{
    info("{}certificate verification failed for {}: {}", problem_of_chain ? "" : "client ", who, problem);
}

void tls_library_problem(std::string_view lines)
{
    for (std::string_view line : split(lines, "\n"))
        warning("TLS library problem: {}", line);
}

}  // namespace posthaste::log
