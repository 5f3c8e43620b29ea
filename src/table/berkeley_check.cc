// berkeley_check.cc — see berkeley_check.h.
#include "table/berkeley_check.h"

#include "base/fd.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unordered_set>

namespace posthaste::table {

namespace {

constexpr std::uint32_t hash_magic = 0x061561;
constexpr std::uint32_t btree_magic = 0x053162;
constexpr std::uint32_t oldest_version = 8;
constexpr std::uint32_t newest_version = 10;
constexpr std::uint8_t type_hash_unsorted = 2;
constexpr std::uint8_t type_hash = 13;
constexpr std::size_t groups = 32;

// The first page, as far as it is needed here.
struct Meta {
    std::array<std::uint32_t, 3> position;  // log position, page number
    std::uint32_t magic;
    std::uint32_t version;
    std::uint32_t page_size;
    std::array<std::uint32_t, 2> types_and_free_list;
    std::uint32_t last_page;
    std::array<std::uint32_t, 9> counts_and_id;
    std::uint32_t last_bucket;  // this and what follows: hash: files only
    std::array<std::uint32_t, 5> masks_and_counts;
    std::array<std::uint32_t, groups> first_pages;  // of group g: the page of bucket b is b + first_pages[g]
};
static_assert(offsetof(Meta, last_page) == 32 && offsetof(Meta, last_bucket) == 72 && sizeof(Meta) == 224);

struct PageHeader {
    std::array<std::uint32_t, 2> log_position;
    std::uint32_t number;
    std::array<std::uint32_t, 2> neighbours;
    std::uint16_t entries;  // keys and values
    std::uint16_t free_offset;
    std::uint8_t level;
    std::uint8_t type;
    std::array<std::uint8_t, 2> content;
};
static_assert(offsetof(PageHeader, type) == 25 && sizeof(PageHeader) == 28);

template<class T>
Result<bool> read_struct(int fd, std::uint64_t offset, T& value)
{
    std::array<char, sizeof(T)> bytes{};
    TRY(std::size_t got, read_fully_at(fd, bytes, static_cast<off_t>(offset)));
    std::memcpy(&value, bytes.data(), bytes.size());
    return got == bytes.size();
}

// Buckets come in groups of 1, 1, 2, 4, 8, ... whose pages are made at once, the last one written. The others stay
// empty until their bucket is split off; those of the first groups, which begin the file together, until a key falls on
// them.
struct EmptyPages {
    std::unordered_set<std::uint32_t> of_later_buckets;
    std::unordered_set<std::uint32_t> of_first_buckets;
};

EmptyPages pages_that_may_be_empty(const Meta& meta)
{
    EmptyPages pages;
    if (meta.magic != hash_magic)
        return pages;
    const auto made_together = static_cast<unsigned>(std::ranges::count(meta.first_pages, 1U));
    for (unsigned group = 0; group < groups && meta.first_pages[group] != 0; ++group) {
        const bool last_is_written = group + 1 >= made_together;
        const std::uint64_t begin = group == 0 ? 0 : std::uint64_t{1} << (group - 1);
        const std::uint64_t end = std::min<std::uint64_t>(std::uint64_t{1} << group, std::uint64_t{meta.last_page} + 1);
        for (std::uint64_t bucket = begin; bucket < end - (last_is_written ? 1 : 0); ++bucket) {
            const auto page = static_cast<std::uint32_t>(bucket + meta.first_pages[group]);
            if (bucket > meta.last_bucket)
                pages.of_later_buckets.insert(page);
            else if (meta.first_pages[group] == 1)
                pages.of_first_buckets.insert(page);
        }
    }
    return pages;
}

}  // namespace

Result<void> check_berkeley_file(int fd, const std::string& path)
{
    // With so many keys for each of the first buckets none of them is empty by chance (one of a million tables).
    constexpr std::uint64_t enough_keys = 10;
    auto damaged = [&](std::uint64_t page) {
        return fail(ErrorKind::Corrupt, fmt::format("open database {}: page {} is damaged: make it again", path, page));
    };
    Meta meta{};
    TRY(bool whole, read_struct(fd, 0, meta));
    const bool known = whole && (meta.magic == hash_magic || meta.magic == btree_magic) &&
                       meta.version >= oldest_version && meta.version <= newest_version;
    if (!known || !std::has_single_bit(meta.page_size) || meta.page_size < sizeof(Meta))
        return {};
    struct stat status{};
    if (::fstat(fd, &status) != 0)
        return fail_errno(path);
    const std::uint64_t pages = static_cast<std::uint64_t>(status.st_size) / meta.page_size;
    if (pages <= meta.last_page)
        return damaged(pages);
    const EmptyPages may_be_empty = pages_that_may_be_empty(meta);
    std::uint64_t keys = 0;
    std::uint32_t first_empty = 0;  // of the first buckets
    for (std::uint64_t page = 1; page <= meta.last_page; ++page) {
        PageHeader header{};
        TRY(whole, read_struct(fd, page * meta.page_size, header));
        const auto number = static_cast<std::uint32_t>(page);
        if (header.number == 0 && may_be_empty.of_first_buckets.contains(number))
            first_empty = number;
        else if (header.number != number && !(header.number == 0 && may_be_empty.of_later_buckets.contains(number)))
            return damaged(page);
        if (header.type == type_hash || header.type == type_hash_unsorted)
            keys += header.entries / 2;
    }
    if (first_empty != 0 && keys >= enough_keys * (may_be_empty.of_first_buckets.size() + 1))
        return damaged(first_empty);
    return {};
}

}  // namespace posthaste::table
