// pattern_filter.h — which of many expressions a subject may match at all: one pass over the subject, whose time hardly
// depends on how many expressions there are.
//
// Each expression brings texts of which one must stand in what it matches (required_literals.h). Of each text the three
// bytes are chosen that are rarest among all texts; the pass looks each three bytes of the subject up in a small table,
// and where they are there, compares the whole text. A thousand host name patterns take 150 KB.
#pragma once

#include <algorithm>
#include <bit>
#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::table {

// A set of small numbers: positions of rules.
class PositionSet {
public:
    void resize(std::size_t positions) { words_.resize((positions + 63) / 64); }
    void clear() { std::ranges::fill(words_, 0); }
    void fill() { std::ranges::fill(words_, ~std::uint64_t{0}); }
    void insert(std::size_t position) { words_[position / 64] |= std::uint64_t{1} << position % 64; }
    [[nodiscard]] bool contains(std::size_t position) const
    {
        return (words_[position / 64] >> position % 64 & 1) != 0;
    }

    // The first position from here on that is in one of the two; npos if there is none. Both have the same size.
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);
    static std::size_t next_in_either(const PositionSet& a, const PositionSet& b, std::size_t from)
    {
        std::uint64_t mask = ~std::uint64_t{0} << from % 64;
        for (std::size_t word = from / 64; word < a.words_.size(); ++word, mask = ~std::uint64_t{0})
            if (const std::uint64_t found = (a.words_[word] | b.words_[word]) & mask; found != 0)
                return word * 64 + static_cast<std::size_t>(std::countr_zero(found));
        return npos;
    }

private:
    std::vector<std::uint64_t> words_;
};

// Filled once, then only asked. One thread at a time: it keeps a buffer.
class PatternFilter {
public:
    // For each expression its texts, folded to lower case; none: the expression is always possible.
    explicit PatternFilter(std::span<const std::vector<std::string>> literals = {});

    // The expressions that may match. Until the next call.
    const PositionSet& possible(std::string_view subject);

private:
    struct Literal {
        std::string text;
        std::uint32_t offset;    // of its three bytes
        std::uint32_t position;  // of its expression
    };
    static constexpr std::size_t slots = 1U << 14U;
    static std::size_t slot_of(const char* three_bytes);
    void choose_and_sort(std::span<const std::vector<std::string>> literals);

    PositionSet always_;
    std::vector<Literal> literals_;           // by slot
    std::vector<std::uint32_t> slot_begins_;  // slots + 1 places in literals_
    std::bitset<slots> used_;
    std::string folded_;
    PositionSet possible_;
};

}  // namespace posthaste::table
