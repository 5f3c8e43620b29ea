// The words of receive_override_options, see receive_overrides.h.
#include "intake/receive_overrides.h"

#include "base/text.h"
#include "param/smtpd.h"
#include "table/text_source.h"

namespace posthaste::intake {

ReceiveOverrides receive_overrides(const config::Config& config)
{
    ReceiveOverrides overrides;
    for (std::string_view word : split(config.get(param::receive_override_options), table::list_separators)) {
        if (word == "no_unknown_recipient_checks")
            overrides.no_unknown_recipient_checks = true;
        else if (word == "no_address_mappings")
            overrides.no_address_mappings = true;
        else if (word == "no_header_body_checks")
            overrides.no_header_body_checks = true;
        else if (word == "no_milters")
            overrides.no_milters = true;
    }
    return overrides;
}

}  // namespace posthaste::intake
