// positions.cc — see positions.h.
#include "queue/positions.h"

#include "queue/segment.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace posthaste::queue {

namespace {
constexpr std::size_t slot_count = largest_segment_number + 1;
constexpr std::size_t file_size = slot_count * sizeof(Positions::Slot);
constexpr std::size_t page_size = 4096;
constexpr std::size_t page_count = (file_size + page_size - 1) / page_size;

// A slot may lie across the border of two pages.
struct Pages {
    std::size_t first;
    std::size_t last;
};
Pages pages_of(std::uint64_t number)
{
    const std::size_t begin = number * sizeof(Positions::Slot);
    return {.first = begin / page_size, .last = (begin + sizeof(Positions::Slot) - 1) / page_size};
}
}  // namespace

Result<std::unique_ptr<Positions>> Positions::open(const std::string& directory)
{
    std::string journal = directory + "/journal";
    if (::mkdir(journal.c_str(), 0700) != 0 && errno != EEXIST)
        return fail_errno("mkdir " + journal);
    std::string path = journal + "/positions";
    TRY(UniqueFd fd, open_file(path, O_RDWR | O_CREAT, 0600));
    if (::ftruncate(fd.get(), file_size) != 0)  // sparse: only used slots take space
        return fail_errno("truncate " + path);
    void* base = ::mmap(nullptr, file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (base == MAP_FAILED)
        return fail_errno("map " + path);
    return std::make_unique<Positions>(std::move(fd), static_cast<Slot*>(base));
}

Positions::Positions(UniqueFd fd, Slot* slots) : fd_(std::move(fd)), slots_(slots), backed_(page_count) {}

Positions::~Positions() { ::munmap(slots_, file_size); }

Result<void> Positions::back(std::uint64_t number) const
{
    for (auto [page, last] = pages_of(number); page <= last; ++page) {
        if (backed_[page].load(std::memory_order_relaxed))
            continue;
        // It changes nothing that is there. A file system that does not know the call fills holes by itself.
        if (::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(page * page_size), page_size) != 0 &&
            errno != EOPNOTSUPP && errno != ENOSYS)
            return fail_errno("journal/positions");
        backed_[page].store(true, std::memory_order_relaxed);
    }
    return {};
}

Result<void> Positions::begin(std::uint64_t number, std::uint64_t generation, std::uint64_t frames_offset)
{
    TRY(back(number));
    Slot& slot = slots_[number];
    slot.durable_end.store(frames_offset, std::memory_order_relaxed);
    slot.generation.store(generation, std::memory_order_release);
    return {};
}

void Positions::publish(std::uint64_t number, std::uint64_t durable_end)
{
    slots_[number].durable_end.store(durable_end, std::memory_order_release);
}

void Positions::seal(std::uint64_t number, std::uint64_t generation)
{
    slots_[number].sealed.store(generation, std::memory_order_release);
}

Positions::Flow* Positions::flow() const { return back(0) ? reinterpret_cast<Flow*>(slots_) : nullptr; }

Positions::View Positions::view(std::uint64_t number) const
{
    if (!back(number))
        return {};
    const Slot& slot = slots_[number];
    for (;;) {
        std::uint64_t generation = slot.generation.load(std::memory_order_acquire);
        bool sealed = generation != 0 && slot.sealed.load(std::memory_order_acquire) == generation;
        std::uint64_t end = slot.durable_end.load(std::memory_order_acquire);
        if (slot.generation.load(std::memory_order_acquire) == generation)
            return {generation, end, sealed};
    }
}

}  // namespace posthaste::queue
