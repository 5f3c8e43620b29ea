// queue_file.cc — see queue_file.h.
#include "queue/queue_file.h"

#include "queue/locks.h"
#include "queue/queue_id.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

namespace posthaste::queue {

namespace {
constexpr std::size_t write_size = 256 << 10;
}

bool is_hashed(const QueueOptions& options, std::string_view directory)
{
    return std::ranges::find(options.hashed_queues, directory) != options.hashed_queues.end();
}

std::string queue_file_path(const QueueOptions& options, std::string_view directory, const std::string& queue_id)
{
    std::string path(directory);
    path += '/';
    if (is_hashed(options, directory))
        path += hash_path(queue_id, options.hash_depth);
    return path + queue_id;
}

std::string queue_file_path(const QueueOptions& options, QueueName queue, const std::string& queue_id)
{
    return queue_file_path(options, name(queue), queue_id);
}

Result<void> make_parent_directories(const std::string& directory, const std::string& path)
{
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        std::string parent = directory + "/" + path.substr(0, slash);
        if (::mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST)
            return fail_errno("mkdir " + parent);
    }
    return {};
}

FileBuilder::FileBuilder(UniqueFd fd, std::string directory, std::string path)
    : fd_(std::move(fd)), directory_(std::move(directory)), path_(std::move(path)), hash_(XXH3_createState())
{
    XXH3_64bits_reset(hash_);
}

FileBuilder::~FileBuilder()
{
    XXH3_freeState(hash_);
    if (!keep_)
        ::unlink((directory_ + "/" + path_).c_str());
}

Result<std::unique_ptr<FileBuilder>> FileBuilder::create(const std::string& directory, const std::string& path)
{
    std::string full = directory + "/" + path;
    auto fd = open_file(full, O_RDWR | O_CREAT | O_EXCL, mode_incomplete);
    if (!fd && fd.error().kind() == ErrorKind::NotFound) {
        TRY(make_parent_directories(directory, path));
        fd = open_file(full, O_RDWR | O_CREAT | O_EXCL, mode_incomplete);
    }
    if (!fd)
        return fail(std::move(fd).error());
    auto builder = std::make_unique<FileBuilder>(std::move(*fd), directory, path);
    TRY(bool locked, try_lock_range(builder->fd(), file_lock_byte, LockMode::Exclusive));
    if (!locked)
        return fail(ErrorKind::Temporary, full + ": locked by another process");
    return builder;
}

Result<void> FileBuilder::write_out()
{
    TRY(write_fully_at(fd_.get(), buffer_, static_cast<off_t>(offset_)));
    offset_ += buffer_.size();
    buffer_.clear();
    return {};
}

Result<void> FileBuilder::append_content(std::string_view bytes)
{
    XXH3_64bits_update(hash_, bytes.data(), bytes.size());
    content_size_ += bytes.size();
    buffer_.append(bytes);
    return buffer_.size() >= write_size ? write_out() : Result<void>();
}

Result<void> FileBuilder::finish(std::string_view encoded_envelope, std::string_view marks, WallTime modified)
{
    FileHeader header;
    header.content_offset = file_header_size;
    header.content_size = content_size_;
    header.content_hash = XXH3_64bits_digest(hash_);
    header.envelope_hash = hash_of(encoded_envelope);
    header.envelope_size = static_cast<std::uint32_t>(encoded_envelope.size());
    header.marks_offset = file_header_size + content_size_ + encoded_envelope.size();
    header.marks_count = static_cast<std::uint32_t>(marks.size());
    header.checksum = checksum_of(header);
    buffer_.append(encoded_envelope).append(marks);
    TRY(write_out());
    std::string block(file_header_size, '\0');
    std::memcpy(block.data(), &header, sizeof header);
    TRY(write_fully_at(fd_.get(), block, 0));
    if (modified != WallTime{}) {
        timespec times[2] = {file_time(modified), file_time(modified)};
        if (::futimens(fd_.get(), times) != 0)
            return fail_errno("set time of " + path_);
    }
    if (::fchmod(fd_.get(), mode_complete) != 0)
        return fail_errno("chmod " + path_);
    return {};
}

void FileBuilder::unlock() { unlock_range(fd_.get(), file_lock_byte); }

Result<void> FileBuilder::sync_file_and_directory()
{
    if (::fsync(fd_.get()) != 0)
        return fail_errno("fsync " + path_);
    // The name must survive as well; hash directories may be new, so every level is synced.
    for (std::size_t slash = path_.rfind('/'); slash != std::string::npos && slash > 0;
         slash = path_.rfind('/', slash - 1))
        TRY(sync_directory(directory_ + "/" + path_.substr(0, slash)));
    return {};
}

Result<void> FileBuilder::move_to(const std::string& path)
{
    TRY(make_parent_directories(directory_, path));
    if (::rename((directory_ + "/" + path_).c_str(), (directory_ + "/" + path).c_str()) != 0)
        return fail_errno("rename " + path_ + " to " + path);
    const std::string old = std::exchange(path_, path);
    TRY(sync_directory(directory_ + "/" + path_.substr(0, path_.rfind('/'))));
    return sync_directory(directory_ + "/" + old.substr(0, old.rfind('/')));
}

FileReader::FileReader(UniqueFd fd, const char* base, std::uint64_t size, const FileHeader& header)
    : fd_(std::move(fd)), base_(base), size_(size), header_(header)
{
}

FileReader::~FileReader() { ::munmap(const_cast<char*>(base_), size_); }

namespace {

bool is_valid(const FileHeader& header, std::uint64_t size)
{
    FileHeader expected;
    return header.magic == expected.magic && header.version == format_version &&
           header.checksum == checksum_of(header) && header.content_offset <= size &&
           header.content_size <= size - header.content_offset && header.marks_offset <= size &&
           header.marks_count <= size - header.marks_offset && header.marks_count > 0 &&
           header.content_offset + header.content_size + header.envelope_size <= header.marks_offset;
}

}  // namespace

Result<FileSummary> read_summary(const std::string& path)
{
    // A deferred file's modification time lies ahead, so that relatime would write a new access time with every look.
    auto opened = open_file(path, O_RDONLY | O_NOATIME);
    if (!opened && opened.error().kind() != ErrorKind::NotFound)
        opened = open_file(path, O_RDONLY);  // it belongs to somebody else
    TRY(UniqueFd fd, std::move(opened));
    FileSummary summary;
    if (::fstat(fd.get(), &summary.status) != 0)
        return fail_errno("stat " + path);
    if (!is_complete(summary.status.st_mode))
        return fail(ErrorKind::Temporary, path + ": not complete yet");
    std::array<char, 8192> first;  // all of a small message
    TRY(std::size_t got, read_fully_at(fd.get(), first, 0));
    FileHeader header;
    if (got >= sizeof header)
        std::memcpy(&header, first.data(), sizeof header);
    if (got >= file_header_size && is_of_newer_release(header))
        return newer_release(path, header.version);
    if (got < file_header_size || !is_valid(header, static_cast<std::uint64_t>(summary.status.st_size)))
        return fail(ErrorKind::Corrupt, path + ": damaged queue file header");
    const std::uint64_t begin = header.content_offset + header.content_size;
    const std::size_t wanted = header.marks_offset + header.marks_count - begin;
    std::string rest;
    std::string_view bytes(first.data(), got);
    if (begin + wanted <= got) {
        bytes = bytes.substr(begin, wanted);
    } else {
        rest.resize(wanted);
        TRY(std::size_t rest_got, read_fully_at(fd.get(), rest, static_cast<off_t>(begin)));
        bytes = std::string_view(rest).substr(0, rest_got);
    }
    const std::string_view envelope = bytes.substr(0, header.envelope_size);
    if (bytes.size() != wanted || hash_of(envelope) != header.envelope_hash)
        return fail(ErrorKind::Corrupt, path + ": damaged envelope");
    TRY(summary.stored, decode_envelope(envelope));
    summary.marks = bytes.substr(header.marks_offset - begin);
    return summary;
}

Result<std::shared_ptr<FileReader>> FileReader::open(const std::string& directory, const std::string& path)
{
    TRY(UniqueFd fd, open_file(directory + "/" + path, O_RDWR));
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0)
        return fail_errno("stat " + path);
    if (!is_complete(status.st_mode))
        return fail(ErrorKind::Temporary, path + ": not complete yet");
    auto size = static_cast<std::uint64_t>(status.st_size);
    FileHeader header;
    if (size < file_header_size)
        return fail(ErrorKind::Corrupt, path + ": too short for a queue file");
    TRY(std::size_t got, read_fully_at(fd.get(), std::span(reinterpret_cast<char*>(&header), sizeof header), 0));
    if (got == sizeof header && is_of_newer_release(header))
        return newer_release(path, header.version);
    if (got != sizeof header || !is_valid(header, size))
        return fail(ErrorKind::Corrupt, path + ": damaged queue file header");
    void* base = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (base == MAP_FAILED)
        return fail_errno("map " + path);
    return std::make_shared<FileReader>(std::move(fd), static_cast<const char*>(base), size, header);
}

std::string_view FileReader::envelope() const
{
    return {base_ + header_.content_offset + header_.content_size, header_.envelope_size};
}

Result<void> FileReader::set_mark(std::uint32_t index, std::uint8_t value)
{
    if (index >= header_.marks_count)
        return fail(ErrorKind::Invalid, "mark index out of range");
    char byte = static_cast<char>(value);
    return write_fully_at(fd_.get(), {&byte, 1}, static_cast<off_t>(header_.marks_offset + index));
}

}  // namespace posthaste::queue
