// followed_settings.cc — see followed_settings.h.
#include "table/followed_settings.h"

#include "table/followed_file.h"
#include "table/source_settings.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

using Opener = Opened (*)(const OpenRequest&);

net::Task<Answer> answer_of(std::shared_ptr<Table> table, Lookup pending)
{
    co_return co_await std::move(pending);  // `table` lives until then
}

class ConfiguredTable final : public Table {
public:
    ConfiguredTable(const OpenRequest& request, Opener open, FollowedFile file, std::shared_ptr<Table> table)
        : Table(request.full), type_(request.type), options_(request.options), open_(open), file_(std::move(file)),
          table_(std::move(table))
    {
    }

    Lookup lookup(std::string_view key) override
    {
        if (file_.changed_and_at_rest())
            static_cast<void>(open_again());
        Lookup answer = table_->lookup(key);
        return answer.ready() ? std::move(answer) : Lookup(answer_of(table_, std::move(answer)));
    }
    TableFlags flags() const override { return table_->flags(); }
    Result<void> reopen_if_changed() override
    {
        return file_.changed_now() ? open_again() : table_->reopen_if_changed();
    }
    Result<void> for_each(const Visitor& visit) override { return table_->for_each(visit); }

private:
    Result<void> open_again()
    {
        auto table = open_({.full = name(), .type = type_, .name = file_.path(), .options = options_});
        if (!table) {
            file_.could_not_open(table.error());
            warn(options_, fmt::format("{}: keeping the previous settings: {}", name(), table.error().text()));
            return fail(std::move(table).error());
        }
        table_ = std::move(*table);
        return {};
    }

    std::string type_;
    OpenOptions options_;
    Opener open_;
    FollowedFile file_;
    std::shared_ptr<Table> table_;
};

}  // namespace

Opened open_with_followed_settings(const OpenRequest& request, Opener open)
{
    if (!SourceSettings::is_file(request.name))
        return open(request);
    FollowedFile file(request.name);
    TRY(std::unique_ptr<Table> table, open(request));
    return std::make_unique<ConfiguredTable>(request, open, std::move(file), std::move(table));
}

}  // namespace posthaste::table
