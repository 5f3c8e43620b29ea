// rates.cc — see rates.h.
#include "daemon/smtpd/rates.h"

#include "log/log.h"

namespace posthaste::smtpd {

Task<std::optional<anvil::Reply>> Rates::report(anvil::Event event, std::string service, std::string client)
{
    constexpr auto patience = std::chrono::seconds(5);
    anvil::Request request{event, std::move(service), std::move(client)};
    auto reply = co_await client_.call<anvil::Reply>(std::move(request), net::Deadline::after(patience));
    if (reply) {
        warned_ = false;
        co_return *reply;
    }
    if (!warned_)
        log::warning("anvil does not answer, serving without client limits: {}", reply.error().text());
    warned_ = true;
    co_return std::nullopt;
}

}  // namespace posthaste::smtpd
