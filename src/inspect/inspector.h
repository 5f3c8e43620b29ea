// Content on its way past the tables of header_checks(5): each logical header and each body line is looked up, and what
// the tables say is done to it.
//
// The inspector knows where what stands (mime::StructureScanner), asks, and edits: lines are removed, replaced, or get
// another one before them. What else an action means (refuse, hold, redirect, log) is the handler's, because it is not
// the same for mail that comes in and mail that goes out. How an action is logged is the handler's, too.
//
//     Inspector inspector(tables, handler);
//     co_await inspector.feed(block)    whole CRLF lines, any number of times
//     inspector.separate()              headers of ours end here
//     co_await inspector.finish()       a header that was still open
//
// Lines that no table is asked about go on in the blocks in which they came. A header is kept until it is complete
// (header_size_limit); nothing else is kept.
//
// It also makes 7-bit text of 8-bit text (ContentTables::converts_to_seven_bit), because that needs the same knowledge:
// Content-Transfer-Encoding: 8bit or binary is left out where it stands, and the new one becomes the last line of its
// header.
#pragma once

#include "base/result.h"
#include "inspect/check_action.h"
#include "inspect/content_tables.h"
#include "mime/structure_scanner.h"
#include "net/task.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::inspect {

using net::Task;

// A line that a table has an action for.
struct Match {
    CheckTable table;
    std::string_view text;         // as it was looked up: a folded header with '\n' between its lines
    const std::string& parameter;  // the table's name in main.cf
    const CheckAction& action;
    std::string_view result;  // the same as the table has it
    [[nodiscard]] std::string_view place() const { return table == CheckTable::Body ? "body" : "header"; }
};

enum class Decision : std::uint8_t {
    Keep,  // the line stays as it is
    Remove,
    Replace,      // by the action's argument
    Prepend,      // the action's argument goes before the line
    PassTheRest,  // the line stays, and nothing is looked up any more
    DropTheRest,  // the message is not wanted: neither the line nor what follows goes on
};

class Handler {
public:
    virtual ~Handler() = default;
    // What goes on: whole CRLF lines, in their order.
    virtual void take(std::string_view crlf_lines) = 0;
    // A header that was put before one of the message's own headers.
    virtual void take_prepended_header(std::string_view crlf_line) = 0;
    // The header of the message ended with `line`, which is none and no empty line either: what follows must be no
    // header for anybody.
    virtual void end_header_without_separator(std::string_view /*line*/) { take("\r\n"); }
    // Everything but the edits that every handler allows.
    virtual Decision decide(const Match& match) = 0;
    virtual void log_action(const Match& match, std::string_view action, std::string_view text) = 0;
    // A table has something that makes no sense.
    virtual void complain(std::string_view text) = 0;
    // After each block: what is wrong with the structure so far.
    virtual void note(const std::vector<mime::FoundFault>& faults) = 0;
};

// One message. Refers to tables and handler, which outlive it. Loop's thread.
class Inspector {
public:
    Inspector(ContentTables& tables, Handler& handler)
        : tables_(&tables), handler_(&handler), scanner_(tables.limits, tables.depth)
    {
    }

    // Errors are those of a table: nothing is known about the line, and the message must wait.
    Task<Result<void>> feed(std::string crlf_lines);
    Task<Result<void>> separate();
    Task<Result<void>> finish() { return separate(); }

private:
    enum class Mode : std::uint8_t { Inspect, Pass, Drop };
    Task<Result<void>> take_header(mime::StructureHeader header);
    Task<Result<void>> take_completed(mime::StructureHeader header);
    Task<Result<void>> take_label();
    Task<Result<void>> end_segment(mime::StructureStep step, std::string_view line);
    Task<Result<void>> take_text(std::string_view line, bool looked_at);
    Task<Result<void>> take_body_line(std::string_view line);
    Task<Result<Decision>> look_up(CheckTable table, std::string_view text, CheckAction* action);
    Decision act(const Match& match);
    Decision edit(const Match& match);
    [[nodiscard]] bool looks_at_body() const;
    [[nodiscard]] bool converts() const;
    // Whether it matters what the lines are.
    [[nodiscard]] bool follows_lines() const;

    ContentTables* tables_;
    Handler* handler_;
    mime::StructureScanner scanner_;
    std::size_t segment_ = 0;  // bytes of this body segment so far, line ends as one
    Mode mode_ = Mode::Inspect;
    struct Label {
        std::string text;  // the whole header; empty: there is none
        bool of_message = true;
    } label_;                    // Content-Transfer-Encoding: of the header that we are in, to be replaced
    bool labelled_ = false;      // that header has a Content-Transfer-Encoding:
    bool encodes_ = false;       // the text that we are in
    bool header_ended_ = false;  // that of the message
};

}  // namespace posthaste::inspect
