// postconf explain: what happens to mail for an address, and which parameter, table and row say so.
//
// Nothing is decided here. The libraries that decide in production (intake, routing) work on the configuration that
// cleanup and qmgr have, with somebody who listens (base/trace.h); whether a client may send it the SMTP server's own
// program says (smtpd explain). Nothing is queued or sent.
#pragma once

#include "base/result.h"
#include "base/trace_record.h"
#include "config/config.h"
#include "config/master_cf.h"
#include "routing/route.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace posthaste::command::postconf {

struct Question {
    std::string config_directory;
    std::string address;  // as a client or a user writes it: joe, joe@example.com, <joe@example.com>
    std::string sender;   // empty: the null sender
    std::string client;   // IP address; empty: nobody asks whether a client may send it
    std::string helo;     // empty: the client's own name
    std::string service;  // of master.cf; empty: the first line of smtpd
    bool json = false;
};

// Invalid: no address, an option that there is not, or one that needs a value.
Result<Question> parse_question(std::string config_directory, const std::vector<std::string>& words);

// A limit that holds on this way.
struct Limit {
    std::string parameter;
    std::string value;
    std::string place;  // "main.cf, line 7", "default"
};

// Where one recipient's mail goes.
struct Way {
    std::string address;
    std::vector<trace::StepRecord> steps;
    std::optional<routing::Route> route;  // nothing: `error` says why it is not known now
    std::string error;
    std::string program;    // that serves the transport, with its place; empty: master.cf has no such service
    bool deferred = false;  // by defer_transports
    std::string problem;    // why the program does not understand the nexthop: the mail waits
    std::vector<Limit> limits;
};

// What the SMTP server would say to the client.
struct Admission {
    std::string client;  // "192.0.2.1 (mail.example.com)"
    std::string helo;
    std::string reply;
    std::string error;  // the service cannot work like this
    std::vector<trace::StepRecord> steps;
};

struct Explanation {
    Question question;
    std::string service;  // "smtp inet (master.cf, line 12)"; empty: there is no smtpd
    std::string sender;   // as it is in the queue
    std::vector<trace::StepRecord> sender_steps;
    std::vector<trace::StepRecord> steps;  // of the recipient's rewriting
    std::string error;                     // why rewriting cannot be told now: the message is refused with 451
    bool maps_addresses = true;            // false: receive_override_options = no_address_mappings
    std::vector<Way> ways;
    std::optional<Admission> admission;
    // The settings of the service; those of cleanup and qmgr are in `config` unless their lines override them.
    std::shared_ptr<const config::Config> config;
    // What routing goes by: the settings of the service that rewrite_service_name names.
    std::shared_ptr<const config::Config> rewriting;
};

// Invalid: the configuration cannot be loaded, there is no such service, the client is no address.
Result<Explanation> explain(Question question);

// 0: the mail is taken and has a way. 2: it is refused or comes back. 75 (EX_TEMPFAIL): that cannot be told now, or it
// has to wait.
int exit_status(const Explanation& explanation);

// For people; and as one JSON object.
std::string to_text(const Explanation& explanation);
std::string to_json(const Explanation& explanation);

}  // namespace posthaste::command::postconf
