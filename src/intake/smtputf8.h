// smtputf8.h — mail that needs SMTPUTF8 although nobody asked for it (postconf(5) smtputf8_autodetect_classes).
//
// A client that speaks SMTP says SMTPUTF8 (RFC 6531) with its MAIL command. What comes from sendmail(1), from aliases
// or from the mail system itself has nobody who could say it: for the classes listed the message is looked at.
#pragma once

#include "config/config.h"
#include "queue/envelope.h"

#include <bitset>

namespace posthaste::intake {

class Utf8Detection {
public:
    // Classes: sendmail, smtpd, qmqpd, forward, bounce, notify, verify, all.
    static Utf8Detection read(const config::Config& config);

    // Marks a message of a listed class whose sender, recipients or header are not ASCII.
    void mark(queue::Envelope& envelope, const queue::ContentFacts& facts) const;

private:
    std::bitset<8> origins_;  // by queue::Origin
};

}  // namespace posthaste::intake
