// pattern_filter.cc — see pattern_filter.h.
#include "table/pattern_filter.h"

#include "base/text.h"

#include <algorithm>
#include <unordered_map>

namespace posthaste::table {

namespace {

constexpr std::size_t gram = 3;                // bytes that are looked up at once
constexpr std::size_t fewest_expressions = 4;  // fewer are tried faster than the subject is searched

}  // namespace

std::size_t PatternFilter::slot_of(const char* three_bytes)
{
    auto byte = [three_bytes](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(three_bytes[i])}; };
    return ((byte(0) << 16U | byte(1) << 8U | byte(2)) * 0x9e3779b1U) >> 18U;
}

PatternFilter::PatternFilter(std::span<const std::vector<std::string>> literals)
{
    always_.resize(literals.size());
    possible_.resize(literals.size());
    auto is_long_enough = [](const std::string& text) { return text.size() >= gram; };
    if (literals.size() < fewest_expressions)
        always_.fill();
    else
        for (std::size_t i = 0; i < literals.size(); ++i)
            if (literals[i].empty() || !std::ranges::all_of(literals[i], is_long_enough))
                always_.insert(i);
    choose_and_sort(literals);
}

void PatternFilter::choose_and_sort(std::span<const std::vector<std::string>> literals)
{
    std::unordered_map<std::string_view, std::uint32_t> users;  // of three bytes
    for (const auto& texts : literals)
        for (const std::string& text : texts)
            for (std::size_t i = 0; i + gram <= text.size(); ++i)
                ++users[std::string_view(text).substr(i, gram)];
    for (std::size_t position = 0; position < literals.size(); ++position) {
        if (always_.contains(position))
            continue;
        for (const std::string& text : literals[position]) {
            std::size_t best = 0;
            for (std::size_t i = 1; i + gram <= text.size(); ++i)
                if (users[std::string_view(text).substr(i, gram)] < users[std::string_view(text).substr(best, gram)])
                    best = i;
            literals_.push_back({.text = text,
                                 .offset = static_cast<std::uint32_t>(best),
                                 .position = static_cast<std::uint32_t>(position)});
        }
    }
    auto slot = [](const Literal& literal) { return slot_of(literal.text.data() + literal.offset); };
    std::ranges::sort(literals_, {}, slot);
    slot_begins_.assign(slots + 1, 0);
    for (const Literal& literal : literals_) {
        ++slot_begins_[slot(literal) + 1];
        used_.set(slot(literal));
    }
    for (std::size_t i = 0; i < slots; ++i)
        slot_begins_[i + 1] += slot_begins_[i];
}

const PositionSet& PatternFilter::possible(std::string_view subject)
{
    if (literals_.empty())
        return always_;
    folded_.resize(subject.size());
    unsigned char seen = 0;
    for (std::size_t i = 0; i < subject.size(); ++i) {
        seen |= static_cast<unsigned char>(subject[i]);
        folded_[i] = ascii_lower(subject[i]);
    }
    possible_ = always_;
    if (seen >= 0x80) {  // required_literals.h: nothing is known about these
        possible_.fill();
        return possible_;
    }
    const std::string_view text = folded_;
    for (std::size_t i = 0; i + gram <= text.size(); ++i) {
        const std::size_t slot = slot_of(text.data() + i);
        if (!used_[slot])
            continue;
        for (std::uint32_t n = slot_begins_[slot]; n < slot_begins_[slot + 1]; ++n)
            if (const Literal& literal = literals_[n];
                literal.offset <= i && text.substr(i - literal.offset).starts_with(literal.text))
                possible_.insert(literal.position);
    }
    return possible_;
}

}  // namespace posthaste::table
