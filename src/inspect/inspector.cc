// Content on its way past the tables of header_checks(5), see inspector.h.
#include "inspect/inspector.h"

#include "base/text.h"
#include "mime/seven_bit.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace posthaste::inspect {

namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::string_view transfer_encoding = "Content-Transfer-Encoding";

CheckTable table_of(mime::HeaderClass kind)
{
    switch (kind) {
    case mime::HeaderClass::Primary: return CheckTable::Header;
    case mime::HeaderClass::Mime: return CheckTable::MimeHeader;
    case mime::HeaderClass::Nested: return CheckTable::NestedHeader;
    }
    return CheckTable::Header;
}

bool is_eight_bit(mime::TransferEncoding encoding)
{
    return encoding == mime::TransferEncoding::EightBit || encoding == mime::TransferEncoding::Binary;
}

// RFC 2045 6.4: parts within parts are never encoded as a whole. A message/global has 8-bit headers whatever its parts
// are.
mime::TransferEncoding encoding_instead(mime::MediaType type)
{
    switch (type) {
    case mime::MediaType::Other: return mime::TransferEncoding::QuotedPrintable;
    case mime::MediaType::GlobalMessage: return mime::TransferEncoding::EightBit;
    default: return mime::TransferEncoding::SevenBit;
    }
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
    if (const CheckTable table = table_of(header.kind); mode_ == Mode::Inspect && tables_->has(table)) {
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

bool Inspector::converts() const { return tables_->converts_to_seven_bit && tables_->depth == mime::Depth::Everything; }

bool Inspector::follows_lines() const
{
    const bool passes_on = converts() || (tables_->watches_header_end && !header_ended_);
    return mode_ == Mode::Inspect || (mode_ == Mode::Pass && passes_on);
}

// What is said of an 8-bit text is kept until its header ends: then it is known what may be said instead.
Task<Result<void>> Inspector::take_completed(mime::StructureHeader header)
{
    if (!converts() || !equal_ignoring_case(header.header.name, transfer_encoding))
        co_return co_await take_header(header);
    const bool contradicts = std::exchange(labelled_, true);
    if (contradicts || !is_eight_bit(mime::parse_transfer_encoding(header.header.value()))) {
        CO_TRY(co_await take_label());  // two of them: nobody knows what the text is, and it stays as it is
        co_return co_await take_header(header);
    }
    label_ = {.text = std::string(header.header.text), .of_message = header.of_message};
    co_return Result<void>();
}

Task<Result<void>> Inspector::take_label()
{
    if (label_.text.empty())
        co_return Result<void>();
    const Label label = std::exchange(label_, {});
    const std::string_view text = label.text;
    co_return co_await take_header({.header = {.name = text.substr(0, transfer_encoding.size()), .text = text},
                                    .kind = mime::HeaderClass::Mime,
                                    .of_message = label.of_message});
}

// A header section, or text of a part, ends before `line`.
Task<Result<void>> Inspector::end_segment(mime::StructureStep step, std::string_view line)
{
    segment_ = 0;
    encodes_ = labelled_ = false;
    header_ended_ = true;
    if (!label_.text.empty() && step.entity && is_eight_bit(step.entity->encoding)) {
        const mime::TransferEncoding encoding = encoding_instead(step.entity->type);
        encodes_ = encoding == mime::TransferEncoding::QuotedPrintable;
        label_.text = fmt::format("{}: {}", transfer_encoding, mime::name(encoding));
    }
    CO_TRY(co_await take_label());
    if (mode_ == Mode::Drop)
        co_return Result<void>();
    if (step.separator_is_missing)
        handler_->end_header_without_separator(line);
    else if (encodes_ && step.place == mime::LinePlace::Body)
        handler_->take(crlf);  // what is encoded might look like a header
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

Task<Result<void>> Inspector::take_text(std::string_view line, bool looked_at)
{
    if (!encodes_)
        co_return co_await take_body_line(line);
    std::string encoded;
    mime::append_quoted_printable(encoded, line);
    if (!looked_at) {
        handler_->take(encoded);
        co_return Result<void>();
    }
    for (std::string_view rest = encoded; !rest.empty() && mode_ != Mode::Drop;) {
        const std::size_t end = rest.find(crlf);
        CO_TRY(co_await take_body_line(rest.substr(0, end)));
        rest.remove_prefix(end + crlf.size());
    }
    co_return Result<void>();
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
    while (at < lines.size() && follows_lines()) {
        const std::size_t end = std::min(lines.find(crlf, at), lines.size());
        const std::size_t next = std::min(end + crlf.size(), lines.size());
        const std::string_view line = lines.substr(at, end - at);
        mime::StructureStep step = scanner_.feed(line);
        if (step.completed) {
            CO_TRY(co_await take_completed(*step.completed));
        }
        if (step.segment_begins && mode_ != Mode::Drop) {
            CO_TRY(co_await end_segment(step, line));
        }
        if (mode_ == Mode::Drop)
            co_return Result<void>();
        if (step.place == mime::LinePlace::Header && follows_lines()) {
            hand_on(next);
        } else if (step.place == mime::LinePlace::Header) {
            // PASS: what the scanner has begun to collect goes on as it is.
            break;
        } else {
            const bool text = step.place == mime::LinePlace::Body;
            const bool looked_at = text && looks_at_body();
            segment_ += line.size() + 1;
            if (looked_at || (text && encodes_)) {
                hand_on(next);
                CO_TRY(co_await take_text(line, looked_at));
            }
        }
        at = next;
    }
    if (mode_ == Mode::Pass && !converts())
        at = lines.size();
    hand_on(at);
    handler_->note(scanner_.faults());
    co_return Result<void>();
}

Task<Result<void>> Inspector::separate()
{
    auto completed = scanner_.separate();
    if (completed && follows_lines()) {
        CO_TRY(co_await take_completed(*completed));
    }
    if (follows_lines()) {
        CO_TRY(co_await take_label());
    }
    handler_->note(scanner_.faults());
    co_return Result<void>();
}

}  // namespace posthaste::inspect
