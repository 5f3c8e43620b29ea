// cdb_table.cc — cdb:file, a constant database in file.cdb: read here through TinyCDB, and written (open_cdb_writer).
//
// A constant database is made as a whole and never changed; postmap renames the new one over the old, so that a reader
// opens a changed file again. The library reads through a mapping and checks offsets against the size at opening
// time: a file that has become shorter since (cp over it) is not touched, because to read beyond its end kills the
// process. TinyCDB's positions are 32 bits wide: files of 4 GB are the limit. Entries end without a NUL byte unless
// postmap -N asked for it.
#include "base/fd.h"
#include "table/followed_file.h"
#include "table/indexed_file.h"
#include "table/registry.h"
#include "table/writer.h"

#include <cdb.h>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>

namespace posthaste::table {

namespace {

// Owns the mapping and its descriptor.
class CdbFile {
public:
    static Result<CdbFile> open(const std::string& path)
    {
        auto fd = open_file(path, O_RDONLY);
        if (!fd)
            return fail(database_error(std::move(fd).error()));
        TRY(SharedLock lock, SharedLock::acquire(fd->get(), path));
        CdbFile file;
        file.fd_ = std::move(*fd);
        if (cdb_init(&file.cdb_, file.fd_.get()) != 0)
            return fail(ErrorKind::Corrupt, fmt::format("open database {}: not a constant database", path));
        return file;
    }
    CdbFile(CdbFile&& other) noexcept : fd_(std::move(other.fd_)), cdb_(std::exchange(other.cdb_, cdb{})) {}
    CdbFile& operator=(CdbFile&& other) noexcept
    {
        std::swap(fd_, other.fd_);
        std::swap(cdb_, other.cdb_);
        return *this;
    }
    CdbFile(const CdbFile&) = delete;
    CdbFile& operator=(const CdbFile&) = delete;
    ~CdbFile()
    {
        if (cdb_.cdb_mem != nullptr)
            cdb_free(&cdb_);
    }

    // The lock under which the file may be read; an error when the file is not as long any more as it was.
    Result<SharedLock> lock(const std::string& path) const
    {
        TRY(SharedLock lock, SharedLock::acquire(fd_.get(), path));
        TRY(FileVersion version, version_of(fd_.get(), path));
        if (version.size < static_cast<off_t>(cdb_.cdb_fsize))
            return fail(ErrorKind::Corrupt,
                        fmt::format("{} has been cut off: {} bytes of {}", path, version.size, cdb_.cdb_fsize));
        return lock;
    }
    cdb* operator->() { return &cdb_; }
    cdb* get() { return &cdb_; }

private:
    CdbFile() = default;
    UniqueFd fd_;
    cdb cdb_{};
};

std::string_view bytes_at(cdb* file, unsigned position, unsigned length)
{
    const void* bytes = cdb_get(file, length, position);
    return bytes == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(bytes), length);
}

class CdbTable final : public Table {
public:
    CdbTable(const OpenRequest& request, FollowedFile followed, CdbFile file)
        : Table(request.full), options_(request.options), followed_(std::move(followed)), file_(std::move(file))
    {
    }

    Lookup lookup(std::string_view key) override
    {
        std::string buffer;
        const std::string_view folded = fold_key(key, options_.key_case, buffer);
        return answer_while_held(*this, lock_.has_value(), [&] {
            return lookup_with_ending(folded, form_, [this](std::string_view stored) { return get(stored); });
        });
    }

    Result<void> hold() override
    {
        if (followed_.changed())
            (void)open_again();
        TRY(SharedLock lock, file_.lock(followed_.path()));
        lock_.emplace(std::move(lock));
        return {};
    }
    void release() override { lock_.reset(); }
    TableFlags flags() const override { return {.folds_case = options_.key_case == KeyCase::Fold}; }
    std::optional<uid_t> owner() const override { return followed_.owner(); }
    Result<void> reopen_if_changed() override { return followed_.changed_now() ? open_again() : Result<void>(); }

    Result<void> for_each(const Visitor& visit) override
    {
        TRY(SharedLock lock, file_.lock(followed_.path()));
        unsigned position = 0;
        cdb_seqinit(&position, file_.get());
        int status = 0;
        while ((status = cdb_seqnext(&position, file_.get())) > 0)
            TRY(visit(without_ending(bytes_at(file_.get(), cdb_keypos(file_.get()), cdb_keylen(file_.get()))),
                      without_ending(bytes_at(file_.get(), cdb_datapos(file_.get()), cdb_datalen(file_.get())))));
        return status == 0 ? Result<void>() : fail(damaged());
    }

private:
    Error damaged() const
    {
        return {ErrorKind::Temporary, fmt::format("error reading {}: Protocol error", followed_.path())};
    }

    Answer get(std::string_view stored)
    {
        int status = cdb_find(file_.get(), stored.data(), static_cast<unsigned>(stored.size()));
        if (status == 0)
            return not_found();
        if (status < 0)
            return fail(damaged());
        return found(bytes_at(file_.get(), cdb_datapos(file_.get()), cdb_datalen(file_.get())));
    }

    Result<void> open_again()
    {
        auto file = CdbFile::open(followed_.path());
        if (!file) {
            warn(options_, fmt::format("{}: {}", name(), file.error().text()));
            followed_.could_not_open(file.error());
            return fail(std::move(file).error());
        }
        file_ = std::move(*file);
        form_.ending = KeyEnding::Unknown;
        return {};
    }

    OpenOptions options_;
    FollowedFile followed_;
    CdbFile file_;
    std::optional<SharedLock> lock_;  // of file_, during a lookup or while it is held
    KeyForm form_;
};

class CdbWriter final : public Writer {
public:
    CdbWriter(std::string path, Replacement replacement, UniqueFd fd, KeyEnding ending)
        : path_(std::move(path)), replacement_(std::move(replacement)), fd_(std::move(fd)), ending_(ending)
    {
        cdb_make_start(&make_, fd_.get());
    }
    ~CdbWriter() override
    {
        if (!finished_)
            cdb_make_finish(&make_);  // frees its memory
    }

    Result<bool> put(std::string_view key, std::string_view value, OnDuplicate on_duplicate) override
    {
        const std::string stored_key = stored_form(key, ending_);
        const std::string stored_value = stored_form(value, ending_);
        const bool replace = on_duplicate == OnDuplicate::Replace;
        int status =
            cdb_make_put(&make_, stored_key.data(), static_cast<unsigned>(stored_key.size()), stored_value.data(),
                         static_cast<unsigned>(stored_value.size()), replace ? CDB_PUT_REPLACE : CDB_PUT_INSERT);
        if (status < 0)
            return fail_errno("error writing " + path_);
        return status == 0;
    }

    Result<bool> remove(std::string_view /*key*/) override { return fail(cannot_change(path_)); }

    Result<void> commit() override
    {
        finished_ = true;
        if (cdb_make_finish(&make_) != 0)
            return fail_errno("error writing " + path_);
        fd_.reset();
        return replacement_.commit();
    }

    const std::string& path() const override { return path_; }

    static Error cannot_change(const std::string& path)
    {
        return {ErrorKind::Unsupported, fmt::format("{}: a cdb table cannot be changed, only made as a whole", path)};
    }

private:
    std::string path_;
    Replacement replacement_;
    UniqueFd fd_;
    cdb_make make_{};
    KeyEnding ending_;
    bool finished_ = false;
};

}  // namespace

Opened open_cdb(const OpenRequest& request)
{
    FollowedFile followed(request.name + ".cdb");
    TRY(CdbFile file, CdbFile::open(followed.path()));
    return std::make_unique<CdbTable>(request, std::move(followed), std::move(file));
}

Result<std::unique_ptr<Writer>> open_cdb_writer(std::string_view /*type*/, const std::string& name,
                                                const WriterOptions& options)
{
    std::string path = name + ".cdb";
    if (options.start == Replacement::Start::CopyOfOld)
        return fail(CdbWriter::cannot_change(path));
    TRY(Replacement replacement, Replacement::begin(path, options.start, options.mode));
    TRY(UniqueFd fd, open_file(replacement.path(), O_RDWR | O_TRUNC));
    return std::make_unique<CdbWriter>(std::move(path), std::move(replacement), std::move(fd), options.ending);
}

}  // namespace posthaste::table
