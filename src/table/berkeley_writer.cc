// berkeley_writer.cc — writes hash: and btree: files (file.db) that Postfix's Berkeley DB code reads, too.
#include "table/berkeley.h"
#include "table/writer.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

class BerkeleyWriter final : public Writer {
public:
    BerkeleyWriter(std::string path, Replacement replacement, Database db, KeyEnding ending)
        : path_(std::move(path)), replacement_(std::move(replacement)), db_(std::move(db)), ending_(ending)
    {
    }

    Result<bool> put(std::string_view key, std::string_view value, OnDuplicate on_duplicate) override
    {
        const std::string stored_key = stored_form(key, ending_);
        const std::string stored_value = stored_form(value, ending_);
        DBT key_bytes = view_as_dbt(stored_key);
        DBT value_bytes = view_as_dbt(stored_value);
        int status = db_->put(db_.get(), nullptr, &key_bytes, &value_bytes, DB_NOOVERWRITE);
        if (status == 0)
            return true;
        if (status == DB_KEYEXIST && on_duplicate == OnDuplicate::Replace)
            status = db_->put(db_.get(), nullptr, &key_bytes, &value_bytes, 0);
        else if (status == DB_KEYEXIST)
            status = 0;
        if (status != 0)
            return fail(write_error(status));
        return false;
    }

    Result<bool> remove(std::string_view key) override
    {
        bool removed = false;
        for (KeyEnding ending : {KeyEnding::Nul, KeyEnding::None}) {
            const std::string stored = stored_form(key, ending);
            DBT key_bytes = view_as_dbt(stored);
            int status = db_->del(db_.get(), nullptr, &key_bytes, 0);
            if (status != 0 && status != DB_NOTFOUND)
                return fail(write_error(status));
            removed = removed || status == 0;
        }
        return removed;
    }

    Result<void> commit() override
    {
        DB* db = db_.release();
        if (int status = db->close(db, 0); status != 0)
            return fail(write_error(status));
        return replacement_.commit();
    }

    const std::string& path() const override { return path_; }

private:
    Error write_error(int status) const
    {
        return {ErrorKind::Io, fmt::format("error writing {}: {}", path_, db_strerror(status))};
    }

    std::string path_;
    Replacement replacement_;
    Database db_;
    KeyEnding ending_;
};

}  // namespace

Result<std::unique_ptr<Writer>> open_berkeley_writer(std::string_view type, const std::string& name,
                                                     const WriterOptions& options)
{
    std::string path = name + ".db";
    TRY(Replacement replacement, Replacement::begin(path, options.start, options.mode));
    TRY(Database db,
        open_berkeley_file(replacement.path(), berkeley_type(type), DB_CREATE, options.berkeley_db_create_buffer_size));
    return std::make_unique<BerkeleyWriter>(std::move(path), std::move(replacement), std::move(db), options.ending);
}

}  // namespace posthaste::table
