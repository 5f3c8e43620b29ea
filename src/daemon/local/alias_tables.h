// alias_tables.h — alias_maps, as local asks for them: through proxymap, because a process that keeps root opens no
// tables; what an administrator or a user wrote is parsed by mail_owner.
//
// proxymap is not trusted with rights. Whose rights an alias has is the owner of the table's file: proxymap says who
// that is, and it counts only if the file that stands under the table's name on disk belongs to the same user.
#pragma once

#include "config/config.h"
#include "net/task.h"
#include "table/table.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace posthaste::local {

struct Alias {
    std::string list;            // what it stands for
    std::optional<uid_t> owner;  // of the table's file; nothing: not known for certain
};

// Lives as long as the service; one thread.
class AliasTables {
public:
    // Invalid: the text is no list of tables. Tables that do not exist show when they are asked.
    static Result<AliasTables> open(const config::Config& config);

    // In the first table that has the name. An error is temporary.
    net::Task<Result<std::optional<Alias>>> find(std::string name);

private:
    std::vector<std::unique_ptr<table::Table>> tables_;
};

// The reported owner, if a file of this table belongs to that user. `table` is "type:name", with or without "proxy:".
std::optional<uid_t> confirmed_owner(std::string_view table, std::optional<uid_t> reported);

}  // namespace posthaste::local
