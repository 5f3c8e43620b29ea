// trouble.h — how the outcomes of a conversation read in the log and in reports, word for word as smtp(8) says them.
#pragma once

#include "base/result.h"
#include "daemon/smtp/targets.h"
#include "dsn/outcome.h"
#include "smtp/client_reply.h"

#include <string_view>

namespace posthaste::smtp_client {

// "host H[A] said: TEXT (in reply to CMD command)": bounced for 5xx, deferred for 4xx, and with 4.5.0 for
// anything else.
dsn::Outcome said(const Target& target, const smtp::PeerReply& reply, std::string_view in_reply_to);
// "host H[A] refused to talk to me: TEXT"
dsn::Outcome refused(const Target& target, const smtp::PeerReply& reply);
// "conversation with H[A] timed out while STAGE", "lost connection with H[A] while STAGE", what came instead of a
// reply, or local_trouble() for a Temporary error. Always deferred.
dsn::Outcome broken(const Target& target, const Error& error, std::string_view stage);
// "local data error while talking to H[A]": a table did not answer. Always deferred.
dsn::Outcome local_trouble(const Target& target);
// "connect to H[A]:P: REASON". Always deferred; relay=none.
dsn::Outcome not_connected(const Target& target, const Error& error);
// What the server answered to the message.
dsn::Outcome delivered(const Target& target, const smtp::PeerReply& reply);

}  // namespace posthaste::smtp_client
