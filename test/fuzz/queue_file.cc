// Queue files: no bytes may crash their reader; what it takes for intact decodes, and marks stay inside the file.
//
// The first byte says whether the checksum of the header is made right and the hashes of envelope and content too.
#include "queue/queue_file.h"
#include "queue/layout.h"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using namespace posthaste;
using namespace posthaste::queue;

namespace {

void repair(std::string& bytes)
{
    if (bytes.size() < file_header_size)
        return;
    FileHeader header;
    std::memcpy(static_cast<void*>(&header), bytes.data(), sizeof header);
    auto part = [&](std::uint64_t offset, std::uint64_t size) {
        return offset <= bytes.size() && size <= bytes.size() - offset ? std::string_view(bytes).substr(offset, size)
                                                                       : std::string_view();
    };
    header.content_hash = hash_of(part(header.content_offset, header.content_size));
    header.envelope_hash = hash_of(part(header.content_offset + header.content_size, header.envelope_size));
    header.checksum = checksum_of(header);
    std::memcpy(bytes.data(), &header, sizeof header);
}

const std::string& directory()
{
    static const std::string path = [] {
        std::string made = "/dev/shm/posthaste-fuzz-file." + std::to_string(::getpid());
        std::filesystem::create_directories(made);
        return made;
    }();
    return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    if (size == 0)
        return 0;
    std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] & 1)
        repair(bytes);
    const std::string path = directory() + "/file";
    auto fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0700);
    if (!fd || !write_fully_at(fd->get(), bytes, 0))
        std::abort();
    auto file = FileReader::open(directory(), "file");
    if (!file)
        return 0;
    if ((*file)->marks().size() != (*file)->header().marks_count)
        std::abort();
    for (std::uint32_t mark : {0U, (*file)->header().marks_count - 1})
        MUST((*file)->set_mark(mark, 1));
    if ((*file)->set_mark((*file)->header().marks_count, 1))
        std::abort();
    struct stat after{};
    if (::fstat(fd->get(), &after) != 0 || static_cast<std::size_t>(after.st_size) != bytes.size())
        std::abort();
    if ((*file)->content_is_intact() && (*file)->envelope_is_intact())
        static_cast<void>(decode_envelope((*file)->envelope()));
    return 0;
}
