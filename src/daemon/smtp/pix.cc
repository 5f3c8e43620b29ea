// pix.cc — see pix.h.
#include "daemon/smtp/pix.h"

#include "base/text.h"
#include "log/log.h"

namespace posthaste::smtp_client {

PixWorkarounds parse_pix_workarounds(std::string_view words, std::string_view parameter)
{
    PixWorkarounds workarounds;
    for (std::string_view word : split(words, ", \t\r\n")) {
        if (equal_ignoring_case(word, "disable_esmtp"))
            workarounds.disable_esmtp = true;
        else if (equal_ignoring_case(word, "delay_dotcrlf"))
            workarounds.delay_dotcrlf = true;
        else
            log::warning("{}: unknown workaround {}", parameter, word);
    }
    return workarounds;
}

bool is_pix_greeting(std::string_view greeting)
{
    constexpr std::string_view code = "220 ";
    constexpr std::string_view left = "*20 ";  // what the firewall does not replace, and what it puts in
    return greeting.starts_with(code) && greeting.contains('*') &&
           greeting.find_first_not_of(left, code.size()) == std::string_view::npos;
}

Task<PixWorkarounds> find_pix_workarounds(const PixSettings* settings, std::string address, std::string greeting)
{
    auto found = co_await settings->by_address->find(address);
    if (!found)
        log::warning("smtp_pix_workaround_maps: {}", found.error().text());
    else if (*found)
        co_return parse_pix_workarounds(**found, "smtp_pix_workaround_maps");
    co_return is_pix_greeting(greeting) ? settings->usual : PixWorkarounds{};
}

}  // namespace posthaste::smtp_client
