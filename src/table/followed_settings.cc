// followed_settings.cc — see followed_settings.h.
#include "table/followed_settings.h"

#include "table/followed_content.h"
#include "table/source_settings.h"

namespace posthaste::table {

namespace {

using FollowedTable = FollowedContent<std::shared_ptr<Table>>;

net::Task<Answer> answered_by(std::shared_ptr<Table> table, Lookup pending)
{
    co_return co_await std::move(pending);  // `table` lives until then
}

class ConfiguredTable final : public Table {
public:
    ConfiguredTable(std::string full, FollowedTable table) : Table(std::move(full)), table_(std::move(table)) {}

    Lookup lookup(std::string_view key) override
    {
        Lookup answer = table_.get()->lookup(key);
        return answer.ready() ? std::move(answer) : Lookup(answered_by(table_.current(), std::move(answer)));
    }
    TableFlags flags() const override { return table_.current()->flags(); }
    Result<void> reopen_if_changed() override
    {
        TRY(table_.reread_if_changed());
        return table_.current()->reopen_if_changed();
    }
    Result<void> for_each(const Visitor& visit) override { return table_.current()->for_each(visit); }

private:
    FollowedTable table_;
};

}  // namespace

Opened open_with_followed_settings(const OpenRequest& request, Opened (*open)(const OpenRequest&))
{
    if (!SourceSettings::is_file(request.name))
        return open(request);
    auto reader = [open](const OpenRequest& again) -> Result<std::shared_ptr<Table>> { return open(again); };
    TRY(FollowedTable table, FollowedTable::open(request, reader, "settings"));
    return std::make_unique<ConfiguredTable>(request.full, std::move(table));
}

}  // namespace posthaste::table
