// smtputf8.cc — see smtputf8.h.
#include "intake/smtputf8.h"

#include "address/fold.h"
#include "base/text.h"
#include "param/basics.h"
#include "table/text_source.h"

#include <algorithm>
#include <array>
#include <string>

namespace posthaste::intake {

namespace {

struct Class {
    std::string_view name;
    queue::Origin origin;
};

constexpr std::array classes{
    Class{"smtpd", queue::Origin::Smtpd},   Class{"sendmail", queue::Origin::Sendmail},
    Class{"qmqpd", queue::Origin::Qmqpd},   Class{"forward", queue::Origin::Forward},
    Class{"bounce", queue::Origin::Bounce}, Class{"notify", queue::Origin::Notify},
    Class{"verify", queue::Origin::Verify},
};

bool is_ascii(const queue::Envelope& envelope)
{
    return address::is_ascii(envelope.sender) &&
           std::ranges::all_of(envelope.recipients,
                               [](const queue::Recipient& recipient) { return address::is_ascii(recipient.address); });
}

}  // namespace

Utf8Detection Utf8Detection::read(const config::Config& config)
{
    Utf8Detection detection;
    for (std::string_view word : split(config.get(param::smtputf8_autodetect_classes), table::list_separators)) {
        if (word == "all")
            detection.origins_.set();
        else if (const auto* found = std::ranges::find(classes, word, &Class::name); found != classes.end())
            detection.origins_.set(static_cast<std::size_t>(found->origin));
    }
    if (!config.get(param::smtputf8_enable))
        detection.origins_.reset();
    return detection;
}

void Utf8Detection::mark(queue::Envelope& envelope, const queue::ContentFacts& facts) const
{
    if (origins_.test(static_cast<std::size_t>(envelope.origin)) && (facts.utf8_header || !is_ascii(envelope)))
        envelope.smtputf8 = true;
}

}  // namespace posthaste::intake
