// The journal with damaged bytes: no damage may crash or hang its readers, and every message that was not touched is
// found, whole, wherever the damage is.
//
// Input: changes to a segment that a writer made, each a place (3 bytes, little-endian), a number of bytes (1 byte) and
// so many bytes. A change to a header makes its checksum right again if the number's highest bit is set, so that damage
// gets past the checksum.
#include "net/tasks.h"
#include "queue/reader.h"
#include "queue/segment.h"
#include "queue/store.h"
#include "queue/writer.h"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <span>
#include <unistd.h>

using namespace posthaste;
using namespace posthaste::queue;

namespace {

struct Written {
    MessageRef ref;
    std::uint64_t end = 0;
    std::uint64_t marks = 0;
    std::uint64_t marks_end = 0;
};

class Journal {
public:
    Journal()
    {
        directory_ = "/dev/shm/posthaste-fuzz-journal." + std::to_string(::getpid());
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        options_.directory = directory_;
        options_.segment_size = smallest_segment;
        write_messages();
        original_.resize(smallest_segment);
        MUST(read_fully_at(fd_.get(), original_, 0));
    }
    ~Journal() { std::filesystem::remove_all(directory_); }

    void try_damage(std::span<const unsigned char> input)
    {
        std::string image = original_;
        const std::set<std::size_t> touched = change(image, input);
        MUST(write_fully_at(fd_.get(), image, 0));
        std::filesystem::remove_all(directory_ + "/corrupt");
        std::filesystem::remove(directory_ + "/journal/positions");
        expect_all_but(touched);
        std::filesystem::remove(segment_path(directory_, 2));  // the reserve that upkeep makes
    }

private:
    void write_messages()
    {
        auto writer = std::move(*Writer::open(options_, ""));
        net::run_until_done(commit_some(writer.get()));
        writer.reset();
        fd_ = std::move(*open_file(segment_path(directory_, 1), O_RDWR));
        auto file = std::move(*SegmentFile::open(directory_, 1));
        auto header = *file->header();
        for (Written& each : written_) {
            auto frame = *file->frame_at(each.ref.offset, header);
            each.end = frame_end(each.ref.offset, frame);
            each.marks = header.marks_offset + frame.marks_offset;
            each.marks_end = each.marks + frame.marks_count;
        }
    }

    Task<void> commit_some(Writer* writer)
    {
        net::TaskGroup tasks;
        for (int batch = 0; batch < 6; ++batch) {
            for (int i = 0; i < 1 + batch % 3; ++i)
                tasks.start(commit(writer, std::size_t{50} << (2 * batch)));
            MUST(co_await tasks.join(net::Deadline::never()));
        }
    }

    Task<void> commit(Writer* writer, std::size_t size)
    {
        Draft draft = *writer->begin();
        draft.envelope().sender = "sender@example.com";
        draft.envelope().recipients = {{"a@example.net"}, {"b@example.net"}};
        MUST(draft.append_line("Subject: test"));
        draft.end_of_header();
        while (draft.facts().size < size)
            MUST(draft.append_line("a line of the body"));
        auto committed = co_await writer->commit(std::move(draft));
        MUST(committed);
        written_.push_back({.ref = committed->ref});
    }

    // Makes the checksum right of the header that lies around this place, if one does.
    template<class Header>
    static void repair(std::string& image, std::size_t header_at, std::size_t place)
    {
        if (place < header_at || place >= header_at + sizeof(Header))
            return;
        Header header;
        std::memcpy(static_cast<void*>(&header), image.data() + header_at, sizeof header);
        header.checksum = checksum_of(header);
        std::memcpy(image.data() + header_at, &header, sizeof header);
    }

    // Returns the messages whose frames or marks were changed, and all of them if a segment header was.
    std::set<std::size_t> change(std::string& image, std::span<const unsigned char> input) const
    {
        std::set<std::size_t> touched;
        while (input.size() > 4) {
            std::size_t place = (input[0] | input[1] << 8 | input[2] << 16) % image.size();
            const bool fix = (input[3] & 0x80) != 0;
            const std::size_t count = std::min({std::size_t{input[3]} & 0x7f, input.size() - 4, image.size() - place});
            std::memcpy(image.data() + place, input.data() + 4, count);
            input = input.subspan(4 + count);
            for (std::size_t i = 0; i < written_.size(); ++i) {
                const Written& each = written_[i];
                const std::size_t end = place + std::max<std::size_t>(count, 1);
                if ((place < each.end && end > each.ref.offset) || (place < each.marks_end && end > each.marks) ||
                    place < block_size)
                    touched.insert(i);
                if (fix)
                    repair<FrameHeader>(image, each.ref.offset, place);
            }
            if (fix) {
                repair<SegmentHeader>(image, 0, place);
                repair<SegmentHeader>(image, block_size / 2, place);
            }
        }
        return touched;
    }

    void expect_all_but(const std::set<std::size_t>& touched)
    {
        std::set<std::string> found;
        auto store = Store::open(options_);
        if (!store)
            std::abort();
        MUST(net::run_until_done((*store)->upkeep()));  // sees that the writer is gone
        Reader reader(options_);
        for (;;) {
            auto messages = (*store)->next(100);
            if (!messages || messages->empty())
                break;
            for (const LoadedMessage& message : *messages) {
                found.insert(message.ref.queue_id);
                auto opened = reader.open(message.ref);
                if (opened && opened->content().size() > smallest_segment)
                    std::abort();
                // Frames with a repaired header may name anything; burying them must not hurt what was not touched.
                static_cast<void>((*store)->set_marks(message.ref, {}, RecipientMark::Done));
            }
        }
        for (std::size_t i = 0; i < written_.size(); ++i)
            if (!touched.contains(i) && !found.contains(written_[i].ref.queue_id))
                std::abort();
    }

    std::string directory_;
    QueueOptions options_;
    UniqueFd fd_;
    std::string original_;
    std::vector<Written> written_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    static Journal journal;
    journal.try_damage({data, size});
    return 0;
}
