// The header on its way into the queue, see header_pass.h.
#include "intake/header_pass.h"

#include "address/header_list.h"
#include "address/local_part.h"
#include "base/text.h"
#include "mime/header_scanner.h"

#include <algorithm>
#include <utility>

namespace posthaste::intake {

namespace {

// The length of the first line with its CRLF; a bare LF or CR belongs to the line.
std::size_t line_length(std::string_view lines)
{
    std::size_t end = lines.find("\r\n");
    return end == std::string_view::npos ? lines.size() : end + 2;
}

std::string_view without_crlf(std::string_view line)
{
    return line.ends_with("\r\n") ? line.substr(0, line.size() - 2) : line;
}

// The value of a collected header on one line: line breaks left out, white space at the ends cut off.
std::string value_of(std::string_view header)
{
    std::string value(header.substr(header.find(':') + 1));
    std::erase_if(value, [](char c) { return c == '\r' || c == '\n'; });
    return std::string(trim(value));
}

bool means_eight_bit(std::string_view encoding)
{
    return equal_ignoring_case(encoding, "8bit") || equal_ignoring_case(encoding, "binary");
}

}  // namespace

std::size_t HeaderPass::feed(std::string_view crlf_lines, std::string& out)
{
    std::size_t at = 0;
    while (end_ == End::Open && at < crlf_lines.size()) {
        std::string_view rest = crlf_lines.substr(at);
        std::string_view line = rest.substr(0, line_length(rest));
        if (!take_line(line, out))
            break;
        at += line.size();
    }
    return at;
}

bool HeaderPass::take_line(std::string_view line, std::string& out)
{
    std::string_view text = without_crlf(line);
    if (text.empty()) {
        close_header(out);
        end_ = End::EmptyLine;
        return true;
    }
    if (mode_ != Mode::None && (text.front() == ' ' || text.front() == '\t')) {
        store(line, out);
        return true;
    }
    if (std::size_t name_length = mime::header_name_length(text); name_length != 0) {
        close_header(out);
        open_header(text.substr(0, name_length));
        store(line, out);
        return true;
    }
    // Before the first header of the message itself such a line is left out; anywhere else the body begins.
    bool at_start = (seen_ & ~bit(HeaderKind::Received)) == 0;
    if (at_start && mime::is_mailbox_separator(text)) {
        close_header(out);
        return true;
    }
    close_header(out);
    end_ = End::NotHeader;
    return false;
}

void HeaderPass::open_header(std::string_view name)
{
    kind_ = header_kind(name);
    stored_ = 0;
    seen_ |= bit(kind_);
    seen_resent_ = seen_resent_ || is_resent(kind_);
    if (kind_ == HeaderKind::Received)
        ++hops_;
    if (is_dropped(name))
        mode_ = Mode::Drop;
    else if (kind_ == HeaderKind::MessageId || kind_ == HeaderKind::ResentMessageId ||
             kind_ == HeaderKind::ContentTransferEncoding)
        mode_ = Mode::Collect;
    else if (rewriting_ != AddressRewriting::Off && holds_addresses(kind_))
        mode_ = Mode::Collect;
    else
        mode_ = Mode::Pass;
}

void HeaderPass::store(std::string_view line, std::string& out)
{
    if (mode_ == Mode::Drop)
        return;
    std::string& target = mode_ == Mode::Collect ? collected_ : out;
    if (stored_ + line.size() <= rules_->size_limit) {
        target += line;
        stored_ += line.size();
    } else if (stored_ < rules_->size_limit) {
        target += without_crlf(line).substr(0, rules_->size_limit - stored_);
        target += "\r\n";
        stored_ = rules_->size_limit;
    }
}

void HeaderPass::close_header(std::string& out)
{
    if (mode_ == Mode::Collect) {
        if (kind_ == HeaderKind::MessageId && message_id_.empty())
            message_id_ = value_of(collected_);
        else if (kind_ == HeaderKind::ResentMessageId && resent_message_id_.empty())
            resent_message_id_ = value_of(collected_);
        else if (kind_ == HeaderKind::ContentTransferEncoding)
            says_eight_bit_ = means_eight_bit(value_of(collected_));
        if (HeaderRole role = header_role(kind_); role != HeaderRole::None) {
            const std::size_t begin = out.size();
            rewrite_addresses(out);
            if (places_ != nullptr)
                places_->push_back({.begin = begin, .size = out.size() - begin, .role = role});
        } else {
            out += collected_;
        }
        collected_.clear();
    }
    mode_ = Mode::None;
}

// Replaces the bytes of the addresses that change and nothing else. An address is written in its shortest form, without
// source route and with the quotes it needs; comments inside of one are kept where nothing else changes.
void HeaderPass::rewrite_addresses(std::string& out) const
{
    std::string_view header = collected_;
    std::size_t value_at = header.find(':') + 1;
    std::string_view value = header.substr(value_at);
    out += header.substr(0, value_at);
    std::size_t copied = 0;
    std::size_t previous_end = 0;
    for (const auto& listed : address::parse_address_list(value, rules_->token_limit).addresses) {
        const std::size_t before = std::exchange(previous_end, listed.end);
        if (!listed.valid || listed.address.empty())
            continue;
        if (listed.without_comma) {  // "joe ann" are two; with domains that would be no list any more
            out += value.substr(copied, before - copied);
            out += ',';
            copied = before;
        }
        std::string plain = address::quote(listed.address);
        std::string canonical = rules_->canonical_form(plain, rewriting_);
        std::string_view written = value.substr(listed.route_begin, listed.end - listed.route_begin);
        if (canonical == written || (canonical == plain && written.contains('(')))
            continue;
        out += value.substr(copied, listed.route_begin - copied);
        out += canonical;
        copied = listed.end;
    }
    out += value.substr(copied);
}

void HeaderPass::separate(std::string& out) { close_header(out); }

void HeaderPass::finish(std::string& out)
{
    close_header(out);
    if (end_ == End::Open)
        end_ = End::Content;
}

bool HeaderPass::is_dropped(std::string_view name) const
{
    return std::ranges::any_of(rules_->drop, [name](const std::string& dropped) {
        return dropped.size() == name.size() && equal_ignoring_case(dropped, name);
    });
}

}  // namespace posthaste::intake
