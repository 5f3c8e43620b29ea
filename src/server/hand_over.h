// hand_over.h — an agent gives recipients to another transport: mailbox_transport and fallback_transport of local(8),
// best_mx_transport of smtp(8).
//
// The other agent delivers and logs as for the queue manager, and says the whole outcome; reports and marks stay with
// whoever was asked by the queue manager, who knows for which recipient of the envelope the delivery was made. If this
// process dies before the mark, the recipient is tried again: that is one more window for a duplicate.
//
// Transports may hand on what they were handed, five times at most, and never to themselves.
#pragma once

#include "server/delivery_job.h"

#include <cstddef>
#include <string>
#include <vector>

namespace posthaste::server {

struct HandedRecipient {
    std::size_t recipient = 0;  // position in Job::recipients()
    std::string address;        // what is delivered to: the recipient's own, or what it stands for
};

struct HandOver {
    std::string transport;  // a service of master.cf
    std::string nexthop;    // empty: that of the job
    std::string sender;
    std::vector<HandedRecipient> recipients;
};

struct HandedOutcome {
    dsn::Outcome outcome;
    bool is_logged = false;  // by the agent that delivered; else nobody got it
    bool notification_passed_on = false;
};

// One outcome for each recipient, in their order; no recipient of the job may be there twice. An agent that cannot be
// reached, or goes without an answer, puts the recipients off. sockets: the directory where transports listen.
Task<std::vector<HandedOutcome>> hand_over(JobPtr job, HandOver to, std::string sockets = "private");

}  // namespace posthaste::server
