// berkeley_table.cc — hash:file and btree:file, Berkeley DB files named file.db (DB_README).
//
// Reads what Postfix's postmap and ours write. No environment, no DB locking: indexed_file.h says how readers and
// writers get along. The file is opened read-only; its type must be the one that was asked for.
#include "base/fd.h"
#include "table/berkeley.h"
#include "table/berkeley_check.h"
#include "table/followed_file.h"
#include "table/indexed_file.h"
#include "table/registry.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <optional>

namespace posthaste::table {

namespace {

// One opened version of the file.
struct OpenFile {
    UniqueFd lock_fd;
    Database db;
    FileVersion version;
};

Result<OpenFile> open_file_version(const std::string& path, DBTYPE type, std::size_t cache_size)
{
    OpenFile file;
    auto lock_fd = open_file(path, O_RDONLY);
    if (!lock_fd)
        return fail(database_error(std::move(lock_fd).error()));
    file.lock_fd = std::move(*lock_fd);
    TRY(SharedLock lock, SharedLock::acquire(file.lock_fd.get(), path));
    TRY(file.version, version_of(file.lock_fd.get(), path));
    TRY(check_berkeley_file(file.lock_fd.get(), path));
    TRY(file.db, open_berkeley_file(path, type, DB_RDONLY, cache_size));
    return file;
}

class BerkeleyTable final : public Table {
public:
    BerkeleyTable(const OpenRequest& request, FollowedFile followed, DBTYPE type, OpenFile file)
        : Table(request.full), options_(request.options), followed_(std::move(followed)), type_(type),
          file_(std::move(file))
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
        TRY(SharedLock lock, lock_current_version());
        lock_.emplace(std::move(lock));
        return {};
    }
    void release() override { lock_.reset(); }

    TableFlags flags() const override { return {.folds_case = options_.key_case == KeyCase::Fold}; }
    std::optional<uid_t> owner() const override { return followed_.owner(); }
    Result<void> reopen_if_changed() override { return followed_.changed_now() ? open_again() : Result<void>(); }

    Result<void> for_each(const Visitor& visit) override
    {
        TRY(SharedLock lock, lock_current_version());
        DBC* cursor = nullptr;
        if (int status = file_.db->cursor(file_.db.get(), nullptr, &cursor, 0); status != 0)
            return fail(read_error(status));
        struct CloseCursor {
            void operator()(DBC* c) const { c->close(c); }
        };
        std::unique_ptr<DBC, CloseCursor> owner(cursor);
        for (;;) {
            DBT key{};
            DBT value{};
            int status = cursor->get(cursor, &key, &value, DB_NEXT);
            if (status == DB_NOTFOUND)
                return {};
            if (status != 0)
                return fail(read_error(status));
            TRY(visit(without_ending(bytes_of(key)), without_ending(bytes_of(value))));
        }
    }

private:
    Error read_error(int status) const
    {
        return {ErrorKind::Temporary, fmt::format("error reading {}: {}", followed_.path(), db_strerror(status))};
    }

    Answer get(std::string_view stored)
    {
        DBT key = view_as_dbt(stored);
        DBT value{};
        int status = file_.db->get(file_.db.get(), nullptr, &key, &value, 0);
        if (status == DB_NOTFOUND)
            return not_found();
        if (status != 0)
            return fail(read_error(status));
        return found(bytes_of(value));
    }

    // A lock under which file_ is what the file holds now.
    Result<SharedLock> lock_current_version()
    {
        for (int attempt = 0; attempt < 2; ++attempt) {
            TRY(SharedLock lock, temporary(SharedLock::acquire(file_.lock_fd.get(), followed_.path())));
            TRY(FileVersion current, temporary(version_of(file_.lock_fd.get(), followed_.path())));
            if (current == file_.version)
                return lock;
            if (attempt == 0) {
                TRY(open_again());
            }
        }
        return fail(ErrorKind::Temporary, fmt::format("{} is being rewritten", followed_.path()));
    }

    template<class T>
    static Result<T> temporary(Result<T> result)
    {
        if (!result)
            return fail(ErrorKind::Temporary, result.error().text());
        return result;
    }

    Result<void> open_again()
    {
        auto file = open_file_version(followed_.path(), type_, options_.berkeley_db_read_buffer_size);
        if (!file) {
            warn(options_, fmt::format("{}: {}", name(), file.error().text()));
            followed_.could_not_open(file.error());
            return fail(ErrorKind::Temporary, file.error().text());
        }
        file_ = std::move(*file);
        form_.ending = KeyEnding::Unknown;
        return {};
    }

    OpenOptions options_;
    FollowedFile followed_;
    DBTYPE type_;
    OpenFile file_;
    std::optional<SharedLock> lock_;  // of file_, during a lookup or while it is held
    KeyForm form_;
};

}  // namespace

Opened open_berkeley(const OpenRequest& request)
{
    const DBTYPE type = berkeley_type(request.type);
    FollowedFile followed(request.name + ".db");
    TRY(OpenFile file, open_file_version(followed.path(), type, request.options.berkeley_db_read_buffer_size));
    return std::make_unique<BerkeleyTable>(request, std::move(followed), type, std::move(file));
}

}  // namespace posthaste::table
