// The files of one service, see log_store.h.
#include "daemon/bounce/log_store.h"

#include "base/fd.h"
#include "net/tasks.h"
#include "queue/queue_file.h"
#include "queue/queue_id.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace posthaste::bounce {

namespace {

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// A new file's name is durable when its directory is synced; a new hash directory's when the one above is.
Result<void> append_to_file(const std::string& path, const std::string& text, Durability durability)
{
    bool is_new = ::access(path.c_str(), F_OK) != 0;
    auto file = open_file(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (!file && file.error().kind() == ErrorKind::NotFound) {
        TRY(queue::make_parent_directories(".", path));
        file = open_file(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    }
    if (!file)
        return fail(std::move(file).error());
    TRY(write_fully(file->get(), text));
    if (durability == Durability::Advisory)
        return {};
    if (::fdatasync(file->get()) != 0)
        return fail_errno("sync " + path);
    if (is_new) {
        std::string directory = directory_of(path);
        TRY(sync_directory(directory));
        if (directory.find('/') != std::string::npos)
            TRY(sync_directory(directory_of(directory)));
    }
    return {};
}

}  // namespace

Result<std::string> LogStore::path_of(const std::string& queue_id) const
{
    if (!queue::is_queue_id(queue_id))
        return fail(ErrorKind::Invalid, "bad queue id");
    return queue::queue_file_path(options_, directory_, queue_id);
}

Task<Result<void>> LogStore::append(std::string queue_id, std::vector<dsn::DeliveryRecord> records) const
{
    CO_TRY(std::string path, path_of(queue_id));
    std::string text;
    for (const dsn::DeliveryRecord& record : records)
        text += dsn::format_record(record);
    if (durability_ == Durability::Advisory)
        co_return append_to_file(path, text, durability_);
    co_return co_await net::in_thread(
        [path = std::move(path), text = std::move(text)] { return append_to_file(path, text, Durability::Synced); });
}

Result<std::vector<dsn::DeliveryRecord>> LogStore::read(const std::string& queue_id) const
{
    TRY(std::string path, path_of(queue_id));
    auto text = read_file(path);
    if (!text && text.error().kind() == ErrorKind::NotFound)
        return std::vector<dsn::DeliveryRecord>();
    if (!text)
        return fail(std::move(text).error());
    return dsn::parse_delivery_log(*text);
}

Result<void> LogStore::remove(const std::string& queue_id) const
{
    TRY(std::string path, path_of(queue_id));
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return fail_errno("remove " + path);
    return {};
}

}  // namespace posthaste::bounce
