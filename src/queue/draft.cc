// draft.cc — a message under construction: content in memory until it grows too large, then in a file; facts about
// the content gathered on the way, so that nobody has to look at it again.
#include "queue/draft.h"

#include <algorithm>
#include <cstring>

namespace posthaste::queue {

Draft::Draft(std::unique_ptr<State> state) : state_(std::move(state)) {}
Draft::Draft(Draft&&) noexcept = default;
Draft& Draft::operator=(Draft&&) noexcept = default;
Draft::~Draft() = default;

Envelope& Draft::envelope() { return state_->envelope; }
const Envelope& Draft::envelope() const { return state_->envelope; }
const ContentFacts& Draft::facts() const { return state_->facts; }

namespace {

bool has_eight_bit(std::string_view text)
{
    // Eight bytes at a time: this runs over every byte of mail.
    std::uint64_t any = 0;
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t word;
        std::memcpy(&word, text.data() + i, 8);
        any |= word;
    }
    unsigned char rest = 0;
    for (; i < text.size(); ++i)
        rest |= static_cast<unsigned char>(text[i]);
    return ((any & 0x8080808080808080ULL) | (rest & 0x80U)) != 0;
}

void note_line(ContentFacts& facts, std::string_view line)
{
    ++facts.lines;
    facts.longest_line = std::max(facts.longest_line, static_cast<std::uint32_t>(line.size()));
    facts.long_line_size += ContentFacts::record_excess(line.size());
    if (line.starts_with('.'))
        facts.dot_lines = true;
}

}  // namespace

Result<void> Draft::State::spill()
{
    TRY(file, FileBuilder::create(budget->options.directory,
                                  queue_file_path(budget->options, QueueName::Incoming, envelope.queue_id)));
    TRY(file->append_content(content));
    budget->bytes_in_memory -= accounted;
    accounted = 0;
    std::string().swap(content);
    return {};
}

Result<void> Draft::State::add(std::string_view bytes)
{
    facts.size += bytes.size();
    if (has_eight_bit(bytes)) {
        facts.eight_bit = true;
        facts.utf8_header = facts.utf8_header || in_header;
    }
    if (file)
        return file->append_content(bytes);
    content.append(bytes);
    std::size_t held = content.capacity();
    budget->bytes_in_memory += held - accounted;
    accounted = held;
    constexpr std::size_t small = 16 << 10;
    bool over_budget = budget->bytes_in_memory > DraftBudget::most_bytes && content.size() > small;
    if (content.size() > budget->options.journal_message_limit || over_budget)
        return spill();
    return {};
}

Result<void> Draft::append_line(std::string_view line)
{
    note_line(state_->facts, line);
    TRY(state_->add(line));
    return state_->add("\r\n");
}

Result<void> Draft::append_lines(std::string_view crlf_lines)
{
    std::string_view rest = crlf_lines;
    while (!rest.empty()) {
        std::size_t end = rest.find('\n');
        if (end == std::string_view::npos || end == 0 || rest[end - 1] != '\r')
            return fail(ErrorKind::Invalid, "content block does not end in CRLF");
        note_line(state_->facts, rest.substr(0, end - 1));
        rest.remove_prefix(end + 1);
    }
    return state_->add(crlf_lines);
}

void Draft::hold() { state_->on_hold = true; }

void Draft::end_of_header()
{
    if (state_->in_header)
        state_->facts.header_size = state_->facts.size;
    state_->in_header = false;
}

}  // namespace posthaste::queue
