// footer.cc — see footer.h.
#include "daemon/smtpd/footer.h"

#include "address/local_part.h"
#include "daemon/smtpd/session.h"
#include "dsn/outcome.h"
#include "intake/date.h"
#include "log/log.h"
#include "param/smtpd.h"

#include <ctime>

namespace posthaste::smtpd {

namespace {

std::optional<std::string> value_of(const Session& session, std::string_view name)
{
    const Client& client = session.client();
    if (name == "client")
        return client.for_log;
    if (name == "client_address")
        return client.address;
    if (name == "client_name")
        return client.name;
    if (name == "client_port")
        return client.port;
    if (name == "helo_name")
        return session.helo();
    if (name == "localtime")
        return intake::mail_date(std::time(nullptr));
    if (name == "sender" && session.transaction())
        return address::quote(session.transaction()->sender);
    if (name == "recipient" && session.target())
        return address::quote(session.target()->address);
    return std::nullopt;
}

}  // namespace

void add_footer(const Session& session, smtp::Reply& reply)
{
    const std::string& footer = session.config().get(param::smtpd_reject_footer);
    if (footer.empty() || !reply.is_error())
        return;
    auto look_up = [&session](std::string_view name) -> Result<std::optional<config::NameValue>> {
        if (auto value = value_of(session, name))
            return config::NameValue{std::move(*value), config::Further::Keep};
        return std::nullopt;
    };
    auto expanded = session.config().try_expand(footer, look_up);
    if (!expanded) {
        log::warning("smtpd_reject_footer: {}", expanded.error().text());
        return;
    }
    std::string text = std::move(*expanded);
    bool same_line = text.starts_with("\\c");
    if (same_line)
        text.erase(0, 2);
    std::string enhanced(std::string_view(reply.text).substr(0, reply.text.find(' ')));
    std::string prefix = dsn::parse_code(enhanced) ? enhanced + " " : "";
    if (!same_line)
        reply.text += "\n" + prefix;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == 'n') {
            reply.text += "\n" + prefix;
            ++i;
        } else {
            reply.text.push_back(text[i]);
        }
    }
}

}  // namespace posthaste::smtpd
