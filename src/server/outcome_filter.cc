// outcome_filter.cc — see outcome_filter.h.
#include "server/outcome_filter.h"

#include "log/log.h"
#include "param/local.h"
#include "param/pipe.h"
#include "param/smtp.h"
#include "param/virtual.h"

namespace posthaste::server {

namespace {

std::string text_for(const config::Config& config, std::string_view process_name)
{
    if (process_name == "smtp")
        return config.get(param::smtp_delivery_status_filter);
    if (process_name == "lmtp")
        return config.get(param::smtp_delivery_status_filter.lmtp());
    if (process_name == "local")
        return config.get(param::local_delivery_status_filter);
    if (process_name == "virtual")
        return config.get(param::virtual_delivery_status_filter);
    if (process_name == "pipe")
        return config.get(param::pipe_delivery_status_filter);
    return {};
}

bool is_success(const dsn::Code& code) { return code.status_class == 2; }

}  // namespace

Result<std::unique_ptr<OutcomeFilter>> OutcomeFilter::open(const config::Config& config, std::string_view process_name)
{
    TRY(table::Maps tables, table::Maps::open(text_for(config, process_name)));
    if (tables.empty())
        return nullptr;
    return std::unique_ptr<OutcomeFilter>(new OutcomeFilter(std::move(tables)));
}

Task<void> OutcomeFilter::apply(dsn::Outcome* outcome)
{
    const std::string key = outcome->code.text() + " " + outcome->text;
    auto found = co_await tables_.find(key);
    if (!found)
        log::warning("delivery status filter: {}", found.error().text());
    if (!found || !*found)
        co_return;
    dsn::CodedText replaced = dsn::split_code(**found, {});
    const bool known_class =
        replaced.code.status_class == 2 || replaced.code.status_class == 4 || replaced.code.status_class == 5;
    if (!known_class || replaced.text.empty() || is_success(replaced.code) != is_success(outcome->code)) {
        log::warning("delivery status filter: \"{}\" cannot become \"{}\"", key, **found);
        co_return;
    }
    outcome->code = replaced.code;
    outcome->text = std::move(replaced.text);
    if (!is_success(replaced.code))
        outcome->action = replaced.code.status_class == 4 ? dsn::Action::Deferred : dsn::Action::Bounced;
}

}  // namespace posthaste::server
