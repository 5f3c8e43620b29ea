// lmdb_table.cc — lmdb:file, an LMDB environment in the single file file.lmdb (lmdb_table(5)).
//
// Opened read-only and without LMDB's own lock file, as Postfix does: readers and writers meet at flock(2)
// (indexed_file.h). One read transaction a lookup, renewed rather than created. LMDB is safe against rewriting in
// place, but a renamed file is a new environment and is opened again. It is not safe against a file that gets shorter
// (cp over it): to read beyond the end of a mapped file kills the process, so a shrunken file is not touched.
#include "base/fd.h"
#include "table/followed_file.h"
#include "table/indexed_file.h"
#include "table/lmdb.h"
#include "table/registry.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace posthaste::table {

namespace {

// Members are destroyed in reverse order: the transaction before its environment.
struct OpenEnvironment {
    Environment env;
    Transaction txn;  // reset between lookups
    MDB_dbi database = 0;
    int lock_fd = -1;  // the environment's own descriptor
    off_t size = 0;    // of the file, as far as it has been seen to grow
};

// LMDB has two pages of its own at the beginning, and no file that it writes gets shorter.
Result<void> check_size(OpenEnvironment& environment, const std::string& path)
{
    struct stat status{};
    if (fstat(environment.lock_fd, &status) != 0)
        return fail_errno(path);
    const off_t least = std::max<off_t>(environment.size, 2 * sysconf(_SC_PAGESIZE));
    if (status.st_size < least)
        return fail(ErrorKind::Io, fmt::format("{} has been cut off: {} bytes of {}", path, status.st_size, least));
    environment.size = status.st_size;
    return {};
}

Result<OpenEnvironment> open_environment(const std::string& path)
{
    const std::string what = "open database " + path;
    OpenEnvironment result;
    MDB_env* env = nullptr;
    if (int status = mdb_env_create(&env); status != 0)
        return fail(lmdb_error(what, status));
    result.env.reset(env);
    if (int status = mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0644); status != 0)
        return fail(lmdb_error(what, status));
    if (int status = mdb_env_get_fd(env, &result.lock_fd); status != 0)
        return fail(lmdb_error(what, status));
    TRY(SharedLock lock, SharedLock::acquire(result.lock_fd, path));
    TRY(check_size(result, path));
    MDB_txn* txn = nullptr;
    if (int status = mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn); status != 0)
        return fail(lmdb_error(what, status));
    result.txn.reset(txn);
    if (int status = mdb_dbi_open(txn, nullptr, 0, &result.database); status != 0)
        return fail(lmdb_error(what, status));
    mdb_txn_reset(txn);
    return result;
}

class LmdbTable final : public Table {
public:
    LmdbTable(const OpenRequest& request, FollowedFile followed, OpenEnvironment environment)
        : Table(request.full), options_(request.options), followed_(std::move(followed)),
          environment_(std::move(environment))
    {
    }

    Lookup lookup(std::string_view key) override
    {
        std::string buffer;
        std::string_view folded = fold_key(key, options_.key_case, buffer);
        if (folded.empty())
            return not_found();  // LMDB has no empty keys
        return answer_while_held(*this, reading_.has_value(), [&] {
            return lookup_with_ending(folded, form_, [this](std::string_view stored) { return get(stored); });
        });
    }

    Result<void> hold() override
    {
        if (followed_.changed())
            (void)open_again();
        TRY(Reading reading, Reading::begin(*this));
        reading_.emplace(std::move(reading));
        return {};
    }
    void release() override { reading_.reset(); }
    TableFlags flags() const override { return {.folds_case = options_.key_case == KeyCase::Fold}; }
    std::optional<uid_t> owner() const override { return followed_.owner(); }
    Result<void> reopen_if_changed() override { return followed_.changed_now() ? open_again() : Result<void>(); }

    Result<void> for_each(const Visitor& visit) override
    {
        TRY(Reading reading, Reading::begin(*this));
        MDB_cursor* raw = nullptr;
        if (int status = mdb_cursor_open(environment_.txn.get(), environment_.database, &raw); status != 0)
            return fail(lmdb_error(followed_.path(), status));
        Cursor cursor(raw);
        MDB_val key{};
        MDB_val value{};
        int status = 0;
        while ((status = mdb_cursor_get(raw, &key, &value, MDB_NEXT)) == 0)
            TRY(visit(without_ending(bytes_of(key)), without_ending(bytes_of(value))));
        if (status != MDB_NOTFOUND)
            return fail(lmdb_error(followed_.path(), status));
        return {};
    }

private:
    // The lock and the read transaction of one lookup.
    class Reading {
    public:
        static Result<Reading> begin(LmdbTable& table)
        {
            TRY(SharedLock lock, SharedLock::acquire(table.environment_.lock_fd, table.followed_.path()));
            TRY(check_size(table.environment_, table.followed_.path()));
            int status = mdb_txn_renew(table.environment_.txn.get());
            if (status == MDB_MAP_RESIZED) {
                // A writer has enlarged the file: take its size over (mdb_env_set_mapsize).
                mdb_env_set_mapsize(table.environment_.env.get(), 0);
                status = mdb_txn_renew(table.environment_.txn.get());
            }
            if (status != 0)
                return fail(lmdb_error(table.followed_.path(), status));
            return Reading(std::move(lock), table.environment_.txn.get());
        }
        Reading(Reading&& other) noexcept : lock_(std::move(other.lock_)), txn_(std::exchange(other.txn_, nullptr)) {}
        Reading& operator=(Reading&&) = delete;
        ~Reading()
        {
            if (txn_ != nullptr)
                mdb_txn_reset(txn_);
        }

    private:
        Reading(SharedLock lock, MDB_txn* txn) : lock_(std::move(lock)), txn_(txn) {}
        SharedLock lock_;
        MDB_txn* txn_;
    };

    Answer get(std::string_view stored)
    {
        if (stored.size() > static_cast<std::size_t>(mdb_env_get_maxkeysize(environment_.env.get())))
            return not_found();  // such a key cannot have been stored
        MDB_val key = view_as_value(stored);
        MDB_val value{};
        int status = mdb_get(environment_.txn.get(), environment_.database, &key, &value);
        if (status == MDB_NOTFOUND)
            return not_found();
        if (status != 0)
            return fail(ErrorKind::Temporary, lmdb_error("error reading " + followed_.path(), status).text());
        return found(bytes_of(value));
    }

    Result<void> open_again()
    {
        auto environment = open_environment(followed_.path());
        if (!environment) {
            warn(options_, fmt::format("{}: {}", name(), environment.error().text()));
            followed_.could_not_open(environment.error());
            return fail(std::move(environment).error());
        }
        environment_.txn.reset();
        environment_ = std::move(*environment);
        form_.ending = KeyEnding::Unknown;
        return {};
    }

    OpenOptions options_;
    FollowedFile followed_;
    OpenEnvironment environment_;
    std::optional<Reading> reading_;  // of environment_, during a lookup or while it is held
    KeyForm form_;
};

}  // namespace

Opened open_lmdb(const OpenRequest& request)
{
    FollowedFile followed(request.name + ".lmdb");
    TRY(OpenEnvironment environment, open_environment(followed.path()));
    return std::make_unique<LmdbTable>(request, std::move(followed), std::move(environment));
}

}  // namespace posthaste::table
