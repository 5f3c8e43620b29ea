// Evaluates restriction lists for a session. postconf(5) smtpd_recipient_restrictions; SMTPD_ACCESS_README.
//
// Each list gives one verdict: the first element that permits or rejects ends it. DEFER_IF_PERMIT and DEFER_IF_REJECT
// wait until the request as a whole is decided. A table that cannot answer gives 451, whatever it was asked for.
#pragma once

#include "daemon/smtpd/restriction.h"
#include "net/task.h"
#include "smtp/reply.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::smtpd {

class Session;

// Deferrals that apply if the request is permitted, or rejected, in the end.
struct PendingVerdicts {
    std::optional<smtp::Reply> defer_if_permit;
    std::optional<smtp::Reply> defer_if_reject;

    void add(const PendingVerdicts& other);
};

enum class Decision : std::uint8_t { Dunno, Permit, Reject };

struct Verdict {
    Decision decision = Decision::Dunno;
    smtp::Reply reply;  // Reject
};

// All of them outlive the evaluation; the session runs nothing else meanwhile. Rejections are logged by the caller.
Task<Verdict> evaluate(Session* session, const RestrictionList* list, ListKind kind, PendingVerdicts* pending);

// The reply to a recipient (the session's target) or sender (of its transaction) that the tables of its class do not
// list; 451 if they cannot tell; nothing if all is well.
enum class Listed : std::uint8_t { Sender, Recipient };
Task<std::optional<smtp::Reply>> unlisted_reply(Session* session, Listed which);

// access(5): an address, then its networks: "192.0.2.1", "192.0.2", "192.0", "192".
std::vector<table::AddressKey> network_keys(std::string_view address);

// The request's outcome from its rejection, if there was one, and what was pending: the reply to refuse it with.
std::optional<smtp::Reply> conclude(std::optional<smtp::Reply> rejection, const PendingVerdicts& pending);

}  // namespace posthaste::smtpd
