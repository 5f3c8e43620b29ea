// content_filter.h — smtp_header_checks and its kind: what is changed of a message on its way out. header_checks(5).
//
// Headers and lines can be removed, replaced, or get another one before them, and matches can be logged. Whatever would
// decide over the whole message (REJECT, HOLD, ...) is none of the client's business: the log says so, and the line
// stays.
#pragma once

#include "config/config.h"
#include "daemon/smtp/settings.h"
#include "inspect/inspector.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::smtp_client {

// Null: there are no tables.
Result<std::shared_ptr<inspect::ContentTables>> open_content_tables(const config::Config& config, Dialect dialect);

// One message over one session; feed it with pieces of whole lines.
class ContentFilter final : private inspect::Handler {
public:
    ContentFilter(inspect::ContentTables& tables, std::string queue_id)
        : queue_id_(std::move(queue_id)), inspector_(tables, *this)
    {
    }

    // What becomes of the piece. An error: a table did not answer, and the message must wait.
    Task<Result<std::string>> filter(std::string piece);
    // What was still open at the end.
    Task<Result<std::string>> finish();

private:
    void take(std::string_view crlf_lines) override { out_ += crlf_lines; }
    void take_prepended_header(std::string_view crlf_line) override { out_ += crlf_line; }
    inspect::Decision decide(const inspect::Match& match) override;
    void log_action(const inspect::Match& match, std::string_view action, std::string_view text) override;
    void complain(std::string_view text) override;
    void note(const std::vector<mime::FoundFault>&) override {}

    std::string queue_id_;
    std::string out_;
    inspect::Inspector inspector_;
};

}  // namespace posthaste::smtp_client
