// session.h — a greeted connection to one server: what it offers, how often it has been used.
//
// Life time: from connect() until it is dropped or quit; owned by the delivery that uses it, or by the pool while idle.
#pragma once

#include "daemon/smtp/pix.h"
#include "daemon/smtp/settings.h"
#include "daemon/smtp/targets.h"
#include "dsn/outcome.h"
#include "net/loop.h"
#include "smtp/client_connection.h"

#include <expected>
#include <memory>
#include <string>

namespace posthaste::smtp_client {

class Session {
public:
    // Connects, waits for the greeting, says EHLO, LHLO or HELO. The outcome says why it did not work; `connected`
    // tells whether there was a connection (it counts for smtp_mx_session_limit then).
    static Task<std::expected<std::unique_ptr<Session>, dsn::Outcome>> open(const Settings& settings, Target target,
                                                                            bool* connected);

    [[nodiscard]] const Target& target() const { return target_; }
    [[nodiscard]] const smtp::PeerExtensions& peer() const { return peer_; }
    [[nodiscard]] bool offers(smtp::Extension extension) const { return peer_.offered.has(extension); }
    [[nodiscard]] const PixWorkarounds& pix() const { return pix_; }
    smtp::ClientConnection& connection() { return connection_; }
    [[nodiscard]] net::Clock::time_point created() const { return created_; }

    // How many messages have been sent over it, the present one included.
    unsigned uses = 0;
    // A transaction was begun and not ended: RSET before the next one.
    bool needs_reset = false;
    // The server answered as no server should (notify_classes: protocol).
    bool protocol_error = false;
    // The conversation broke, or the server said that it ends (421).
    bool unusable = false;

    // Says QUIT without waiting for the answer (smtp_skip_quit_response), and closes.
    void quit_at_once();

private:
    // watched: what is said is logged (postconf(5) debug_peer_list).
    Session(const Settings& settings, Target target, net::Stream stream, bool watched);
    Task<std::expected<void, dsn::Outcome>> greet();
    Task<std::expected<void, dsn::Outcome>> hello(std::string verb);
    Task<smtp::ExtensionSet> suppressed_extensions() const;
    [[nodiscard]] std::expected<void, dsn::Outcome> check_for_loop(const smtp::PeerReply& reply) const;

    const Settings* settings_;
    Target target_;
    smtp::ClientConnection connection_;
    smtp::PeerExtensions peer_;
    PixWorkarounds pix_;
    net::Clock::time_point created_;
};

}  // namespace posthaste::smtp_client
