// Lines about TLS connections that other programs parse. `who` is "NAME[ADDRESS]".
#pragma once

#include <string_view>

namespace posthaste {
class Error;
}

namespace posthaste::log {

// "Anonymous TLS connection established from NAME[ADDR]: TLSv1.3 with cipher ..."; trust: Anonymous, Untrusted,
// Trusted.
void tls_accepted(std::string_view who, std::string_view trust, std::string_view summary);
// "SSL_accept error from NAME[ADDR]: -1" (or "lost connection", "Connection timed out"), and for each line that the
// library says "warning: TLS library problem: ...".
void tls_accept_failed(std::string_view who, const Error& error);
// "certificate verification failed for NAME[ADDR]: PROBLEM", of a certificate that cannot be trusted because no chain
// leads to an authority; "client certificate verification failed ..." of another problem.
void tls_verification_failed(std::string_view who, bool problem_of_chain, std::string_view problem);
// "warning: TLS library problem: ..." for each line.
void tls_library_problem(std::string_view lines);

}  // namespace posthaste::log
