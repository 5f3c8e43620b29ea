// explain_parts.h — what explain.cc puts together. Private to postconf explain.
#pragma once

#include "command/postconf/explain.h"

namespace posthaste::command::postconf {

// The line of master.cf whose SMTP server is meant: that of this name, or the first; null if nobody asked for one and
// there is none. NotFound: there is no smtpd of this name.
Result<const config::MasterService*> server_of(const config::MasterCf& master_cf, std::string_view name);

// What the SMTP server says to the client of the question. config: the server's own.
Admission ask_smtpd(const config::Config& config, const config::MasterService& server, const Question& question);

// The limits of the transport and of the message.
std::vector<Limit> limits_of(const config::Config& config, const routing::Route& route);

// "main.cf, line 7", "-o" for an override, "default".
std::string place_of(const config::Config& config, std::string_view parameter);

}  // namespace posthaste::command::postconf
