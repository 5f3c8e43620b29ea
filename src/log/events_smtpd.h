// Lines of the SMTP server that other programs parse.
//
// `client` is "NAME[ADDRESS]" (with ":PORT" where smtpd_client_port_logging says so); `stage` is the SMTP verb, or
// CONNECT, END-OF-MESSAGE, UNKNOWN. An empty queue id is written NOQUEUE. Addresses are as address_text() has
// them (address_form.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace posthaste::log {

// "connect from NAME[ADDR]"
void smtpd_connect(std::string_view client);
// "disconnect from NAME[ADDR] ehlo=1 mail=0/1 commands=1/2"; counts begins with a space.
void smtpd_disconnect(std::string_view client, std::string_view counts);
// "QID: client=NAME[ADDR]"
void smtpd_client(std::string_view queue_id, std::string_view client);

// What access control did with a request.
struct AccessEvent {
    std::string_view queue_id;
    std::string_view action;  // reject, reject_warning, hold, discard, warn, ...
    std::string_view stage;
    std::string_view client;
    std::string_view text;
    std::optional<std::string_view> sender;
    std::optional<std::string_view> recipient;
    std::string_view protocol;  // SMTP or ESMTP
    std::string_view helo;      // empty: none yet
};
// "QID: reject: RCPT from NAME[ADDR]: TEXT; from=<S> to=<R> proto=P helo=<H>"
void smtpd_access(const AccessEvent& event);

// "NOQUEUE: abort: TLS from NAME[ADDR]: TEXT"
void smtpd_abort(std::string_view client, std::string_view stage, std::string_view text);

enum class SessionEnd : std::uint8_t { LostConnection, Timeout, TooManyErrors, BareNewline };
// "lost connection after STAGE from NAME[ADDR]", "timeout after ...", "too many errors after ...",
// "bare <LF> received after ..."; from 3.10 on with the queue id before it. data_bytes: for DATA, "(14 bytes)".
void smtpd_session_end(SessionEnd how, std::string_view queue_id, std::string_view stage,
                       std::optional<std::uint64_t> data_bytes, std::string_view client);
// "improper command pipelining after STAGE from NAME[ADDR]: TEXT"
void smtpd_improper_pipelining(std::string_view queue_id, std::string_view stage, std::string_view client,
                               std::string_view text);

// "warning: non-SMTP command from NAME[ADDR]: LINE"
void smtpd_non_smtp_command(std::string_view client, std::string_view line);
// "warning: NAME[ADDR]: request longer than 2048: EHLO xxx..."
void smtpd_long_request(std::string_view client, std::size_t limit, std::string_view line);
// "warning: Illegal address syntax from NAME[ADDR] in MAIL command: <...>"
void smtpd_bad_address(std::string_view client, std::string_view verb, std::string_view path);
// "warning: QID: queue file size limit exceeded"
void smtpd_size_limit(std::string_view queue_id);
// "warning: hostname H does not resolve to address A[: REASON]"
void smtpd_name_mismatch(std::string_view name, std::string_view address, std::string_view reason);

enum class RateLimit : std::uint8_t { ConnectionConcurrency, ConnectionRate, MessageRate, RecipientRate, NewTlsRate };
// "warning: Connection concurrency limit exceeded: 3 from NAME[ADDR] for service smtp"
void smtpd_limit_exceeded(RateLimit limit, int count, std::string_view client, std::string_view service);

// postconf(5) log_compatibility_level: lines of a session's end name the queue id from 3.10 on. 3.7 until it is set.
void set_smtpd_wording(std::string_view log_compatibility_level);

}  // namespace posthaste::log
