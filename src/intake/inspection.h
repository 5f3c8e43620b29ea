// One message's content past ContentRules: what the actions of header_checks(5) mean for mail that comes in, and how
// they are logged.
//
// The envelope is changed at once (FILTER, REDIRECT); what only the end of the message can do is kept for it: held(),
// discarded(), copies(), rejection().
#pragma once

#include "inspect/inspector.h"
#include "intake/content_rules.h"
#include "intake/rejection.h"
#include "queue/envelope.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::intake {

// Where content goes on to.
class ContentSink {
public:
    virtual ~ContentSink() = default;
    virtual void add_inspected(std::string_view crlf_lines) = 0;
    // A header line that is stored as it is, before the next one.
    virtual void add_prepended(std::string_view crlf_line) = 0;
};

// Owned by the message; refers to its envelope and to the rules.
class Inspection final : private inspect::Handler {
public:
    Inspection(ContentRules& rules, queue::Envelope& envelope, ContentSink& sink)
        : rules_(&rules), envelope_(&envelope), sink_(&sink), inspector_(rules.tables, *this)
    {
    }

    // Whole CRLF lines. Errors are those of tables, as Rejections of ours.
    net::Task<Accepted<>> feed(std::string crlf_lines);
    // Our own headers end here, or the message.
    net::Task<Accepted<>> separate();

    [[nodiscard]] bool discarded() const { return discarded_; }
    [[nodiscard]] bool held() const { return held_; }
    [[nodiscard]] std::optional<Rejection>& rejection() { return rejection_; }
    [[nodiscard]] const std::vector<std::string>& copies() const { return copies_; }

private:
    void take(std::string_view crlf_lines) override { sink_->add_inspected(crlf_lines); }
    void take_prepended_header(std::string_view crlf_line) override { sink_->add_prepended(crlf_line); }
    void end_header_without_separator(std::string_view line) override;
    inspect::Decision decide(const inspect::Match& match) override;
    void note(const std::vector<mime::FoundFault>& faults) override;
    void log_action(const inspect::Match& match, std::string_view action, std::string_view text) override;
    void complain(std::string_view text) override;
    [[nodiscard]] bool is_refused(mime::Fault fault) const;
    void refuse_structure(std::string_view what, std::string_view text);
    inspect::Decision reject(const inspect::Match& match);
    bool route(const inspect::Match& match);
    void set_filter(const std::string& destination);
    void redirect(const std::string& address);
    void refuse_characters(std::string_view crlf_lines);

    ContentRules* rules_;
    queue::Envelope* envelope_;
    ContentSink* sink_;
    inspect::Inspector inspector_;
    std::optional<Rejection> rejection_;
    std::vector<std::string> copies_;           // BCC
    std::optional<std::string> filter_before_;  // content_filter, when FILTER took its place
    std::size_t noted_faults_ = 0;
    bool discarded_ = false;
    bool held_ = false;
};

}  // namespace posthaste::intake
