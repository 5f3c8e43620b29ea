// lmdb_writer.cc — writes lmdb: files (file.lmdb) that Postfix's LMDB code reads, too.
//
// Changes are collected in transactions of bounded size. When the map is full it is doubled and the changes of the
// transaction that did not fit are made again. Nothing is synced on the way: the file is a temporary one until
// Replacement puts it into place.
#include "table/lmdb.h"
#include "table/writer.h"

#include <fmt/format.h>
#include <optional>
#include <vector>

namespace posthaste::table {

namespace {

constexpr std::size_t changes_per_transaction = 1000;

class LmdbWriter final : public Writer {
public:
    LmdbWriter(std::string path, Replacement replacement, Environment env, std::size_t map_size, KeyEnding ending)
        : path_(std::move(path)), replacement_(std::move(replacement)), env_(std::move(env)), map_size_(map_size),
          ending_(ending)
    {
    }

    Result<bool> put(std::string_view key, std::string_view value, OnDuplicate on_duplicate) override
    {
        Change change{.key = stored_form(key, ending_), .value = stored_form(value, ending_)};
        TRY(int status, perform(change, MDB_NOOVERWRITE));
        if (status == MDB_KEYEXIST && on_duplicate == OnDuplicate::Replace) {
            TRY(status, perform(change, 0));
            return false;
        }
        return status == 0;
    }

    Result<bool> remove(std::string_view key) override
    {
        bool removed = false;
        for (KeyEnding ending : {KeyEnding::Nul, KeyEnding::None}) {
            TRY(int status, perform({.key = stored_form(key, ending), .value = std::nullopt}, 0));
            removed = removed || status == 0;
        }
        return removed;
    }

    Result<void> commit() override
    {
        TRY(commit_transaction());
        env_.reset();
        return replacement_.commit();
    }

    const std::string& path() const override { return path_; }

    // Starts the first transaction and makes the database inside the file.
    Result<void> begin()
    {
        MDB_txn* txn = nullptr;
        if (int status = mdb_txn_begin(env_.get(), nullptr, 0, &txn); status != 0)
            return fail(write_error(status));
        txn_.reset(txn);
        if (int status = mdb_dbi_open(txn, nullptr, MDB_CREATE, &database_); status != 0)
            return fail(write_error(status));
        return {};
    }

private:
    struct Change {
        std::string key;
        std::optional<std::string> value;  // nothing: remove
    };

    Error write_error(int status) const { return lmdb_error("error writing " + path_, status); }

    int apply(const Change& change, unsigned flags)
    {
        MDB_val key = view_as_value(change.key);
        if (!change.value)
            return mdb_del(txn_.get(), database_, &key, nullptr);
        MDB_val value = view_as_value(*change.value);
        return mdb_put(txn_.get(), database_, &key, &value, flags);
    }

    // 0, MDB_KEYEXIST or MDB_NOTFOUND; anything else is an error.
    Result<int> perform(const Change& change, unsigned flags)
    {
        int status = apply(change, flags);
        while (status == MDB_MAP_FULL) {
            TRY(enlarge_and_repeat());
            status = apply(change, flags);
        }
        if (status == MDB_KEYEXIST || status == MDB_NOTFOUND)
            return status;
        if (status != 0)
            return fail(write_error(status));
        changes_.push_back(change);
        if (changes_.size() >= changes_per_transaction) {
            TRY(commit_transaction());
            TRY(begin());
        }
        return 0;
    }

    Result<void> enlarge_and_repeat()
    {
        for (;;) {
            txn_.reset();
            map_size_ *= 2;
            if (int status = mdb_env_set_mapsize(env_.get(), map_size_); status != 0)
                return fail(write_error(status));
            TRY(begin());
            int status = 0;
            for (const Change& change : changes_)
                if (status = apply(change, 0); status != 0)
                    break;
            if (status == 0)
                return {};
            if (status != MDB_MAP_FULL)
                return fail(write_error(status));
        }
    }

    Result<void> commit_transaction()
    {
        for (;;) {
            int status = mdb_txn_commit(txn_.release());
            if (status == 0) {
                changes_.clear();
                return {};
            }
            if (status != MDB_MAP_FULL)
                return fail(write_error(status));
            TRY(enlarge_and_repeat());
        }
    }

    std::string path_;
    Replacement replacement_;
    Environment env_;
    Transaction txn_;
    MDB_dbi database_ = 0;
    std::vector<Change> changes_;  // of the open transaction
    std::size_t map_size_;
    KeyEnding ending_;
};

}  // namespace

Result<std::unique_ptr<Writer>> open_lmdb_writer(std::string_view /*type*/, const std::string& name,
                                                 const WriterOptions& options)
{
    std::string path = name + ".lmdb";
    TRY(Replacement replacement, Replacement::begin(path, options.start, options.mode));
    const std::string what = "open database " + path;
    MDB_env* raw = nullptr;
    if (int status = mdb_env_create(&raw); status != 0)
        return fail(lmdb_error(what, status));
    Environment env(raw);
    if (int status = mdb_env_set_mapsize(raw, options.lmdb_map_size); status != 0)
        return fail(lmdb_error(what, status));
    if (int status = mdb_env_open(raw, replacement.path().c_str(), MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0600);
        status != 0)
        return fail(lmdb_error(what, status));
    MDB_envinfo info{};
    mdb_env_info(raw, &info);
    auto writer = std::make_unique<LmdbWriter>(std::move(path), std::move(replacement), std::move(env), info.me_mapsize,
                                               options.ending);
    TRY(writer->begin());
    return writer;
}

}  // namespace posthaste::table
