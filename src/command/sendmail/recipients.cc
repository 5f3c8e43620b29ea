// Recipients that a user has written down, see recipients.h.
#include "command/sendmail/recipients.h"

#include "address/header_list.h"
#include "base/text.h"

namespace posthaste::command::sendmail {

std::vector<std::string> listed_recipients(std::string_view list)
{
    std::vector<std::string> recipients;
    for (const auto& listed : address::parse_address_list(list).addresses) {
        if (listed.valid)
            recipients.push_back(listed.address);
        else
            for (std::string_view word : split(list.substr(listed.begin, listed.end - listed.begin), ", \t\r\n"))
                recipients.push_back(printable(word));
    }
    return recipients;
}

}  // namespace posthaste::command::sendmail
