// Content on its way past the tables of header_checks(5), see inspector.h.
#include "inspect/inspector.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace posthaste::inspect {

namespace {

constexpr std::string_view crlf = "\r\n";

CheckTable table_of(mime::HeaderClass kind)
{
    switch (kind) {
    case mime::HeaderClass::Primary: return CheckTable::Header;
    case mime::HeaderClass::Mime: return CheckTable::MimeHeader;
    case mime::HeaderClass::Nested: return CheckTable::NestedHeader;
    }
    return CheckTable::Header;
}

// A logical header in wire form again.
std::string wire_form(std::string_view header)
{
    std::string out;
    out.reserve(header.size() + 2 * crlf.size());
    for (std::size_t at = 0; at <= header.size();) {
        const std::size_t end = std::min(header.find('\n', at), header.size());
        out.append(header.substr(at, end - at)).append(crlf);
        at = end + 1;
    }
    return out;
}

}  // namespace

Task<Result<Decision>> Inspector::look_up(CheckTable table, std::string_view text, CheckAction* action)
{
    if (text.empty() || !tables_->has(table))
        co_return Decision::Keep;
    auto found = co_await tables_->maps(table).find(text);
    if (!found) {
        handler_->complain(found.error().text());
        co_return fail(ErrorKind::Temporary, tables_->parameter(table) + " map lookup problem");
    }
    if (!*found)
        co_return Decision::Keep;
    *action = parse_check_action(**found);
    co_return act(
        {.table = table, .text = text, .parameter = tables_->parameter(table), .action = *action, .result = **found});
}

Decision Inspector::act(const Match& match)
{
    using Kind = CheckAction::Kind;
    const std::string& text = match.action.argument;
    switch (match.action.kind) {
    case Kind::Dunno: return Decision::Keep;
    case Kind::Ignore: return Decision::Remove;
    case Kind::Strip: handler_->log_action(match, "strip", text); return Decision::Remove;
    case Kind::Info: handler_->log_action(match, "info", text); return Decision::Keep;
    case Kind::Warn: handler_->log_action(match, "warning", text); return Decision::Keep;
    case Kind::Prepend:
    case Kind::Replace: return edit(match);
    default: return handler_->decide(match);
    }
}

// A header stays a header, whatever is written for it.
Decision Inspector::edit(const Match& match)
{
    const bool prepends = match.action.kind == CheckAction::Kind::Prepend;
    const std::string_view word = prepends ? "PREPEND" : "REPLACE";
    const std::string& text = match.action.argument;
    if (text.empty()) {
        handler_->complain(fmt::format("{} action without text in {} map", word, match.parameter));
        return Decision::Keep;
    }
    if (match.table != CheckTable::Body && mime::header_name_length(text) == 0) {
        handler_->complain(fmt::format("bad {} header text \"{}\" in {} map -- need \"headername: headervalue\"", word,
                                       text, match.parameter));
        return Decision::Keep;
    }
    handler_->log_action(match, prepends ? "prepend" : "replace", text);
    return prepends ? Decision::Prepend : Decision::Replace;
}

Task<Result<void>> Inspector::take_header(mime::StructureHeader header)
{
    CheckAction action;
    Decision decision = Decision::Keep;
    if (const CheckTable table = table_of(header.kind); tables_->has(table)) {
        const std::string text = header.text();
        CO_TRY(decision, co_await look_up(table, text, &action));
    }
    switch (decision) {
    case Decision::Remove: co_return Result<void>();
    case Decision::DropTheRest: mode_ = Mode::Drop; co_return Result<void>();
    case Decision::Replace: handler_->take(wire_form(action.argument)); co_return Result<void>();
    case Decision::PassTheRest: mode_ = Mode::Pass; break;
    case Decision::Prepend:
        if (header.of_message)
            handler_->take_prepended_header(wire_form(action.argument));
        else
            handler_->take(wire_form(action.argument));
        break;
    case Decision::Keep: break;
    }
    handler_->take(wire_form(header.header.text));
    co_return Result<void>();
}

bool Inspector::looks_at_body() const
{
    return mode_ == Mode::Inspect && tables_->has(CheckTable::Body) &&
           (tables_->body_limit == 0 || segment_ < tables_->body_limit);
}

// A line that is longer than line_limit is looked at, and edited, a piece at a time.
Task<Result<void>> Inspector::take_body_line(std::string_view line)
{
    std::string out;
    while (true) {
        const std::string_view piece = line.substr(0, tables_->line_limit);
        line.remove_prefix(piece.size());
        CheckAction action;
        Decision decision = Decision::Keep;
        if (mode_ == Mode::Inspect) {
            CO_TRY(decision, co_await look_up(CheckTable::Body, piece, &action));
        }
        switch (decision) {
        case Decision::DropTheRest: mode_ = Mode::Drop; co_return Result<void>();
        case Decision::PassTheRest: mode_ = Mode::Pass; break;
        case Decision::Prepend: out += action.argument + std::string(crlf); break;
        default: break;
        }
        if (decision == Decision::Replace)
            out += action.argument;
        else if (decision != Decision::Remove)
            out += piece;
        if (line.empty()) {
            if (decision != Decision::Remove || !out.empty())
                handler_->take(out + std::string(crlf));
            co_return Result<void>();
        }
    }
}

Task<Result<void>> Inspector::feed(std::string crlf_lines)
{
    const std::string_view lines = crlf_lines;
    std::size_t unchanged = 0;  // from here to `at`: what goes on as it is
    std::size_t at = 0;
    auto hand_on = [&](std::size_t next) {
        if (at > unchanged)
            handler_->take(lines.substr(unchanged, at - unchanged));
        unchanged = next;
    };
    while (at < lines.size() && mode_ == Mode::Inspect) {
        const std::size_t end = std::min(lines.find(crlf, at), lines.size());
        const std::size_t next = std::min(end + crlf.size(), lines.size());
        const std::string_view line = lines.substr(at, end - at);
        mime::StructureStep step = scanner_.feed(line);
        if (step.completed) {
            CO_TRY(co_await take_header(*step.completed));
        }
        if (mode_ == Mode::Drop)
            co_return Result<void>();
        if (step.segment_begins)
            segment_ = 0;
        if (step.separator_is_missing)
            handler_->take(crlf);  // what follows is no header for anybody
        if (step.place == mime::LinePlace::Header && mode_ == Mode::Inspect) {
            hand_on(next);
        } else if (step.place == mime::LinePlace::Header) {
            // PASS: what the scanner has begun to collect goes on as it is.
            break;
        } else {
            const bool looked_at = step.place == mime::LinePlace::Body && looks_at_body();
            segment_ += line.size() + 1;
            if (looked_at) {
                hand_on(next);
                CO_TRY(co_await take_body_line(line));
            }
        }
        at = next;
    }
    if (mode_ == Mode::Pass)
        at = lines.size();
    hand_on(at);
    handler_->note(scanner_.faults());
    co_return Result<void>();
}

Task<Result<void>> Inspector::separate()
{
    auto completed = scanner_.separate();
    if (completed && mode_ == Mode::Inspect) {
        CO_TRY(co_await take_header(*completed));
    }
    handler_->note(scanner_.faults());
    co_return Result<void>();
}

}  // namespace posthaste::inspect
