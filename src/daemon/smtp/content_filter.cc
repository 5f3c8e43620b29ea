// content_filter.cc — see content_filter.h.
#include "daemon/smtp/content_filter.h"

#include "log/events_delivery.h"
#include "log/log.h"
#include "param/cleanup.h"
#include "param/smtp_checks.h"

#include <fmt/format.h>
#include <utility>

namespace posthaste::smtp_client {

Result<std::shared_ptr<inspect::ContentTables>> open_content_tables(const config::Config& config, Dialect dialect)
{
    using inspect::CheckTable;
    auto tables = std::make_shared<inspect::ContentTables>();
    const bool lmtp = dialect == Dialect::Lmtp;
    auto open = [&](CheckTable table, std::string_view kind, config::StringParameter parameter) {
        const std::string name = fmt::format("{}_{}", lmtp ? "lmtp" : "smtp", kind);
        return tables->open(table, name, config.get(lmtp ? parameter.lmtp() : parameter));
    };
    TRY(open(CheckTable::Header, "header_checks", param::smtp_header_checks));
    TRY(open(CheckTable::MimeHeader, "mime_header_checks", param::smtp_mime_header_checks));
    TRY(open(CheckTable::NestedHeader, "nested_header_checks", param::smtp_nested_header_checks));
    TRY(open(CheckTable::Body, "body_checks", param::smtp_body_checks));
    if (tables->empty())
        return nullptr;
    tables->limits = inspect::read_structure_limits(config);
    tables->body_limit = 0;  // all of it, as Postfix does
    return tables;
}

Task<Result<std::string>> ContentFilter::filter(std::string piece)
{
    CO_TRY(co_await inspector_.feed(std::move(piece)));
    co_return std::exchange(out_, {});
}

Task<Result<std::string>> ContentFilter::finish()
{
    CO_TRY(co_await inspector_.finish());
    co_return std::exchange(out_, {});
}

inspect::Decision ContentFilter::decide(const inspect::Match& match)
{
    log::warning("unsupported command in {} map: {}", match.parameter, match.result);
    return inspect::Decision::Keep;
}

void ContentFilter::log_action(const inspect::Match& match, std::string_view action, std::string_view text)
{
    log::sent_content_action(queue_id_, action, match.place(), match.text, text);
}

void ContentFilter::complain(std::string_view text) { log::warning("{}", text); }

}  // namespace posthaste::smtp_client
