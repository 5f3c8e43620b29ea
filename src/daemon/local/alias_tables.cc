// alias_tables.cc — see alias_tables.h.
#include "daemon/local/alias_tables.h"

#include "daemon/proxymap/protocol.h"
#include "param/local.h"
#include "param/services.h"
#include "table/settings.h"
#include "table/stale_index.h"
#include "table/text_source.h"

#include <algorithm>
#include <fmt/format.h>
#include <sys/stat.h>

namespace posthaste::local {

namespace {

bool belongs_to(const std::string& path, uid_t user)
{
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && status.st_uid == user;
}

}  // namespace

Result<AliasTables> AliasTables::open(const config::Config& config)
{
    table::OpenOptions options = table::options_for("alias_maps");
    options.proxymap_socket = "private/" + config.get(param::proxymap_service_name);
    TRY(auto names, table::split_outside_braces(config.get(param::alias_maps), table::list_separators));
    AliasTables aliases;
    for (std::string_view name : names)
        aliases.tables_.push_back(
            table::open_or_unavailable(fmt::format("{}{}", proxymap::prefix, proxymap::without_prefix(name)), options));
    return aliases;
}

net::Task<Result<std::optional<Alias>>> AliasTables::find(std::string name)
{
    for (const auto& table : tables_) {
        CO_TRY(std::optional<std::string> list, co_await table->lookup(name));
        if (!list)
            continue;
        if (list->empty())
            co_return fail(ErrorKind::Temporary,
                           fmt::format("{}: lookup of \"{}\" returns an empty string result", table->name(), name));
        co_return Alias{.list = std::move(*list), .owner = confirmed_owner(table->name(), table->owner())};
    }
    co_return std::optional<Alias>();
}

std::optional<uid_t> confirmed_owner(std::string_view table, std::optional<uid_t> reported)
{
    if (!reported)
        return std::nullopt;
    table = proxymap::without_prefix(table);
    const std::size_t colon = std::min(table.find(':'), table.size());
    const std::string path(table.substr(std::min(colon + 1, table.size())));
    const std::string index = path + std::string(table::index_suffix(table.substr(0, colon)));
    return belongs_to(index, *reported) || belongs_to(path, *reported) ? reported : std::nullopt;
}

}  // namespace posthaste::local
