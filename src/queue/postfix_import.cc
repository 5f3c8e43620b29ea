// postfix_import.cc — see postfix_import.h.
#include "queue/postfix_import.h"

#include "base/fd.h"
#include "base/text.h"
#include "log/log.h"
#include "queue/directory_walk.h"
#include "queue/file_time.h"
#include "queue/marks.h"
#include "queue/queue_file.h"

#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <set>
#include <sys/mman.h>
#include <sys/stat.h>

namespace posthaste::queue {

namespace {

// Names that begin so are no messages: the walk over a queue's files passes them over.
const std::string unfinished_prefix = ".postfix-";

// Read-only, for as long as the object lives.
class MappedFile {
public:
    static Result<std::unique_ptr<MappedFile>> open(const std::string& path)
    {
        TRY(UniqueFd fd, open_file(path, O_RDONLY | O_NOFOLLOW));
        struct stat status{};
        if (::fstat(fd.get(), &status) != 0)
            return fail_errno("stat " + path);
        if (!S_ISREG(status.st_mode) || status.st_size == 0)
            return fail(ErrorKind::Corrupt, path + ": nothing in it");
        if (!is_complete(status.st_mode))
            return fail(ErrorKind::Temporary, path + ": not complete yet");
        const auto size = static_cast<std::size_t>(status.st_size);
        void* base = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
        if (base == MAP_FAILED)
            return fail_errno("map " + path);
        return std::make_unique<MappedFile>(std::string_view(static_cast<const char*>(base), size), status);
    }
    MappedFile(std::string_view bytes, const struct stat& status) : bytes_(bytes), status_(status) {}
    ~MappedFile() { ::munmap(const_cast<char*>(bytes_.data()), bytes_.size()); }
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    [[nodiscard]] std::string_view bytes() const { return bytes_; }
    [[nodiscard]] WallTime modified() const { return wall_time(status_.st_mtim); }

private:
    std::string_view bytes_;
    struct stat status_;
};

Result<PostfixMessage> read_queue_file(std::string_view bytes, const ContentSink& sink)
{
    if (postfix_kind(bytes) != PostfixKind::QueueFile)
        return fail(ErrorKind::Corrupt, "not a queue file");
    return read_postfix_file(bytes, sink);
}

// Where the records of bounced recipients lie whose report is still owed, as Postfix's bounce(8) noted them.
Result<std::set<std::uint64_t>> owed_bounces(const QueueOptions& options, const std::string& queue_id)
{
    std::set<std::uint64_t> offsets;
    auto log = read_file(options.directory + "/" + queue_file_path(options, "bounce", queue_id));
    if (!log && log.error().kind() == ErrorKind::NotFound)
        return offsets;
    if (!log)
        return fail(std::move(log).error());
    constexpr std::string_view label = "offset=";
    for (std::string_view line : split(*log, "\n"))
        if (line.starts_with(label))
            if (auto offset = parse_number<std::uint64_t>(line.substr(label.size())))
                offsets.insert(*offset);
    return offsets;
}

}  // namespace

bool is_postfix_queue_file(const std::string& path)
{
    auto fd = open_file(path, O_RDONLY | O_NOFOLLOW);
    char first = 0;
    return fd && ::read(fd->get(), &first, 1) == 1 && postfix_kind({&first, 1}) == PostfixKind::QueueFile;
}

Result<PostfixMessage> read_postfix_queue_file(const std::string& path, const ContentSink& sink)
{
    TRY(auto file, MappedFile::open(path));
    return read_queue_file(file->bytes(), sink);
}

Result<void> convert_postfix_file(const QueueOptions& options, const std::string& path, const std::string& queue_id)
{
    const std::string original = options.directory + "/" + path;
    const std::string unfinished = std::string(name(QueueName::Active)) + "/" + unfinished_prefix + queue_id;
    ::unlink((options.directory + "/" + unfinished).c_str());
    TRY(auto file, MappedFile::open(original));
    TRY(auto owed, owed_bounces(options, queue_id));
    TRY(auto builder, FileBuilder::create(options.directory, unfinished));
    TRY(PostfixMessage message,
        read_queue_file(file->bytes(), [&](std::string_view piece) { return builder->append_content(piece); }));
    Envelope& envelope = message.envelope;
    envelope.queue_id = queue_id;
    if (envelope.client.ident == queue_id)
        envelope.client.ident.clear();
    std::string marks(1 + envelope.recipients.size(), '\0');  // live; to be done
    for (PostfixRecipient& done : message.done) {
        if (!owed.contains(done.offset))
            continue;
        envelope.recipients.push_back(std::move(done.recipient));
        marks.push_back(static_cast<char>(RecipientMark::Bounced));
    }
    TRY(builder->finish(encode_envelope(envelope, message.facts), marks, file->modified()));
    // Before the rename: from then on this is the only copy.
    if (::fsync(builder->fd()) != 0)
        return fail_errno("fsync " + unfinished);
    if (::rename((options.directory + "/" + unfinished).c_str(), original.c_str()) != 0)
        return fail_errno("rename " + unfinished + " to " + path);
    builder->keep();
    return {};
}

void remove_unfinished_conversions(const QueueOptions& options)
{
    const std::string directory = options.directory + "/" + std::string(name(QueueName::Active));
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
    if (!stream)
        return;
    for (;;) {
        auto entry = read_entry(stream.get(), directory);
        if (!entry)
            log::warning("{}", entry.error().text());
        if (!entry || *entry == nullptr)
            return;
        if (std::string_view((*entry)->d_name).starts_with(unfinished_prefix))
            ::unlinkat(::dirfd(stream.get()), (*entry)->d_name, 0);
    }
}

}  // namespace posthaste::queue
