// writer.h — makes and changes the table files that postmap(1) and postalias(1) maintain: hash, btree, lmdb, cdb.
//
// A Writer works on a Replacement: nothing that it does is visible before commit(), and everything after. Keys and
// values are stored as they come; folding and syntax are the caller's business (tool.h).
#pragma once

#include "base/result.h"
#include "table/indexed_file.h"
#include "table/replacement.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace posthaste::table {

enum class OnDuplicate : std::uint8_t { Keep, Replace };

struct WriterOptions {
    Replacement::Start start = Replacement::Start::Empty;
    KeyEnding ending = KeyEnding::Unknown;                    // how new ones are stored; Unknown: as the type does
    mode_t mode = 0644;                                       // of a file that does not exist yet
    std::size_t berkeley_db_create_buffer_size = 16U << 20U;  // bytes
    std::size_t lmdb_map_size = 16U << 20U;                   // bytes, to begin with
};

// Belongs to its caller; one thread. Destroyed without commit() it leaves the old table as it was.
class Writer {
public:
    virtual ~Writer() = default;
    // False if the key is there already; Replace stores the new value all the same.
    virtual Result<bool> put(std::string_view key, std::string_view value, OnDuplicate on_duplicate) = 0;
    // False if the key is not there.
    virtual Result<bool> remove(std::string_view key) = 0;
    // Makes the new version durable and visible.
    virtual Result<void> commit() = 0;

    // The file that is written, for messages.
    [[nodiscard]] virtual const std::string& path() const = 0;
};

// True for the types that have a writer.
bool can_write(std::string_view type);
// Unsupported for a type without a writer.
Result<std::unique_ptr<Writer>> open_writer(std::string_view type, const std::string& name,
                                            const WriterOptions& options);

// For the writers' sources.
Result<std::unique_ptr<Writer>> open_berkeley_writer(std::string_view type, const std::string& name,
                                                     const WriterOptions& options);
Result<std::unique_ptr<Writer>> open_lmdb_writer(std::string_view type, const std::string& name,
                                                 const WriterOptions& options);
Result<std::unique_ptr<Writer>> open_cdb_writer(std::string_view type, const std::string& name,
                                                const WriterOptions& options);
// Key or value bytes as they are stored.
inline std::string stored_form(std::string_view text, KeyEnding ending)
{
    std::string stored(text);
    if (ending == KeyEnding::Nul)
        stored.push_back('\0');
    return stored;
}

}  // namespace posthaste::table
