// footer.cc — see footer.h.
#include "daemon/smtpd/footer.h"

#include "base/text.h"
#include "config/expand.h"
#include "daemon/smtpd/session.h"
#include "dsn/outcome.h"
#include "intake/date.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/smtpd.h"

#include <ctime>

namespace posthaste::smtpd {

namespace {

// These and no others, as postconf(5) says: a table may have put a stranger's words into the text.
Result<std::optional<config::NameValue>> value_of(const Session& session, std::string_view name)
{
    auto value = [](std::string text) { return config::NameValue{std::move(text), config::Further::Keep}; };
    if (name == "client_address")
        return value(session.client().address);
    if (name == "client_port")
        return value(session.client().port);
    if (name == "localtime")
        return value(intake::mail_date(std::time(nullptr)));
    if (name == "server_name")
        return value(session.config().get(param::myhostname));
    log::warning("unknown macro name \"{}\" in expansion request", printable(name));
    return std::nullopt;  // empty; the rest of the footer still helps
}

// The characters of smtpd_expansion_filter: C escapes \t and \ooo stand for what they stand for in C.
std::string printable_characters(std::string_view filter)
{
    std::string out;
    for (std::size_t i = 0; i < filter.size(); ++i) {
        if (filter[i] != '\\' || i + 1 == filter.size()) {
            out.push_back(filter[i]);
            continue;
        }
        std::size_t digits = 0;
        while (digits < 3 && i + 1 + digits < filter.size() && filter[i + 1 + digits] >= '0' &&
               filter[i + 1 + digits] < '8')
            ++digits;
        if (digits > 0) {
            out.push_back(static_cast<char>(parse_number<unsigned>(filter.substr(i + 1, digits), 8).value_or(0)));
            i += digits;
        } else {
            ++i;
            out.push_back(filter[i] == 't' ? '\t' : filter[i]);
        }
    }
    return out;
}

// What tables have for this reply, or smtpd_reject_footer.
net::Task<std::string> footer_of(const Session* session, std::string reply)
{
    table::Maps& maps = session->shared().reject_footer_maps;
    auto found = co_await maps.find(reply);
    if (found && *found)
        co_return std::move(**found);
    if (!found)
        log::warning("smtpd_reject_footer_maps: {}", found.error().text());
    co_return session->config().get(param::smtpd_reject_footer);
}

// The footer with its $names replaced and other characters than smtpd_expansion_filter censored. Nothing: it is broken.
std::optional<std::string> expanded_footer(const Session& session, const std::string& footer)
{
    auto expanded = config::expand(footer, [&session](std::string_view name) { return value_of(session, name); });
    if (!expanded) {
        log::warning("smtpd_reject_footer: {}", expanded.error().text());
        return std::nullopt;
    }
    std::string text = std::move(*expanded);
    std::string allowed = printable_characters(session.config().get(param::smtpd_expansion_filter));
    for (char& c : text)
        c = allowed.contains(c) || c == '\n' ? c : '_';
    return text;
}

}  // namespace

net::Task<void> add_footer(const Session* session, smtp::Reply* reply)
{
    const std::string footer = co_await footer_of(session, reply->line());
    if (footer.empty())
        co_return;
    std::optional<std::string> text = expanded_footer(*session, footer);
    if (!text)
        co_return;
    bool same_line = text->starts_with("\\c");
    if (same_line)
        text->erase(0, 2);
    std::string enhanced(std::string_view(reply->text).substr(0, reply->text.find(' ')));
    std::string prefix = dsn::parse_code(enhanced) ? enhanced + " " : "";
    if (!same_line)
        reply->text += "\n" + prefix;
    for (std::size_t i = 0; i < text->size(); ++i) {
        if ((*text)[i] == '\\' && i + 1 < text->size() && (*text)[i + 1] == 'n') {
            reply->text += "\n" + prefix;
            ++i;
        } else {
            reply->text.push_back((*text)[i]);
        }
    }
}

}  // namespace posthaste::smtpd
