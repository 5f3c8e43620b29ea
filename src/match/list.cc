// list.cc — see list.h.
#include "match/list.h"

#include "address/fold.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/trace.h"
#include "param/basics.h"
#include "table/followed_file.h"
#include "table/text_source.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::match {

namespace {

bool looks_like_address(std::string_view pattern)
{
    return pattern.starts_with('[') ||
           (!pattern.empty() && pattern.find_first_not_of("0123456789./") == std::string_view::npos);
}

// type:table; a '[' first is an IPv6 address, whose colons mean something else.
bool looks_like_table(std::string_view pattern)
{
    std::size_t special = pattern.find_first_of(":[{");
    return special != std::string_view::npos && special > 0 && pattern[special] == ':';
}

}  // namespace

// Turns the text of a list into groups.
class ListParser {
public:
    ListParser(List& list, Kind kind, const Options& options) : list_(list), kind_(kind), options_(options) {}

    Result<void> parse(std::string_view text, bool negated)
    {
        TRY(std::vector<std::string_view> patterns, table::split_outside_braces(text, table::list_separators));
        for (std::string_view pattern : patterns)
            TRY(add(pattern, negated));
        return {};
    }

    [[nodiscard]] bool has_unread_file() const { return has_unread_file_; }

private:
    Result<void> add(std::string_view pattern, bool negated)
    {
        while (pattern.starts_with('!')) {
            negated = !negated;
            pattern.remove_prefix(1);
        }
        if (pattern.empty())
            return fail(ErrorKind::Invalid, "'!' without a pattern");
        if (pattern.starts_with('/'))
            return add_file(std::string(pattern), negated);
        if (looks_like_table(pattern))
            return add_table(pattern, negated);
        if (kind_ == Kind::Host && looks_like_address(pattern)) {
            auto network = address::parse_network(pattern);
            if (network)
                group(negated).networks.push_back(*network);
            else
                add_problem(network.error().text(), negated);
            return {};
        }
        group(negated).names.insert(address::fold_case(pattern));
        return {};
    }

    Result<void> add_file(const std::string& path, bool negated)
    {
        if (std::ranges::find(open_files_, path) != open_files_.end())
            return fail(ErrorKind::Invalid, fmt::format("{}: the file includes itself", path));
        if (open_files_.size() >= deepest)
            return fail(ErrorKind::Invalid, fmt::format("{}: more than {} files within each other", path, deepest));
        if (++files_ > most_files)
            return fail(ErrorKind::Invalid, fmt::format("{}: the list names more than {} files", path, most_files));
        auto text = read_file(path, table::max_source_size);
        if (!text) {
            table::Reopening::could_not_open(path, text.error());
            has_unread_file_ = true;
            add_problem(text.error().text(), negated);
            return {};
        }
        open_files_.push_back(path);
        table::LogicalLines lines(*text);
        table::LogicalLine line;
        while (lines.next(line))
            if (auto parsed = parse(line.text, negated); !parsed)
                return fail(std::move(parsed).error().in(fmt::format("{}, line {}", path, line.first_line)));
        open_files_.pop_back();
        return {};
    }

    Result<void> add_table(std::string_view name, bool negated)
    {
        TRY(table::Maps maps, table::Maps::open(name, options_.tables));
        List::Group group;
        group.negated = negated;
        group.table = std::make_unique<table::Maps>(std::move(maps));
        list_.groups_->push_back(std::move(group));
        return {};
    }

    void add_problem(std::string text, bool negated)
    {
        if (options_.tables.warn)
            options_.tables.warn(text);
        List::Group group;
        group.negated = negated;
        group.problem = std::move(text);
        list_.groups_->push_back(std::move(group));
    }

    // The group that a name or network joins: the last one, when it is of the same sort.
    List::Group& group(bool negated)
    {
        auto& groups = *list_.groups_;
        if (groups.empty() || groups.back().negated != negated || groups.back().table ||
            !groups.back().problem.empty()) {
            groups.emplace_back();
            groups.back().negated = negated;
        }
        return groups.back();
    }

    static constexpr std::size_t deepest = 100;  // files that name files
    // All that are read for one list: thirty files, each of which names the next one twice, would be a billion.
    static constexpr std::size_t most_files = 10'000;

    List& list_;
    Kind kind_;
    const Options& options_;
    std::vector<std::string> open_files_;  // each is named in the one before it
    std::size_t files_ = 0;
    bool has_unread_file_ = false;
};

table::ParentDomains parents_for(std::string_view list_name, std::string_view parent_domain_matches_subdomains)
{
    auto names = split(parent_domain_matches_subdomains, table::list_separators);
    return std::ranges::find(names, list_name) != names.end() ? table::ParentDomains::Bare
                                                              : table::ParentDomains::Dotted;
}

Result<List> List::parse(std::string_view text, Kind kind, const Options& options)
{
    List list;
    list.parents_ = kind == Kind::String ? table::ParentDomains::None : options.parents;
    ListParser parser(list, kind, options);
    TRY(parser.parse(text, false));
    if (parser.has_unread_file())
        list.unread_ = {std::string(text), kind, options, std::chrono::steady_clock::now()};
    return list;
}

void List::read_again()
{
    constexpr std::chrono::seconds pause{5};
    if (!unread_ || std::chrono::steady_clock::now() - unread_->tried < pause)
        return;
    Options options = unread_->options;
    options.tables.warn = [](std::string_view) {};  // what is wrong was said the first time
    auto list = parse(unread_->text, unread_->kind, options);
    unread_->tried = std::chrono::steady_clock::now();
    if (!list)
        return;
    groups_ = std::move(list->groups_);
    if (!list->unread_)
        unread_.reset();
}

Match List::match(Query query)
{
    read_again();
    return match_from(groups_, 0, std::move(query));
}

bool List::names_match(const Group& group, const Query& query) const
{
    if (group.names.empty() || query.name.empty())
        return false;
    auto has = [&group](std::string_view name) {
        const bool found = group.names.contains(name);
        if (found && trace::observer != nullptr)
            trace::observer->matched(fmt::format("{}{}", group.negated ? "!" : "", name));
        return found;
    };
    std::string_view name = query.name;
    if (has(name))
        return true;
    if (query.whole_only)
        return false;
    for (std::size_t dot = name.find('.', 1); dot != std::string_view::npos && dot + 1 < name.size();
         dot = name.find('.', dot + 1))
        if (has(name.substr(dot)) || (parents_ == table::ParentDomains::Bare && has(name.substr(dot + 1))))
            return true;
    return false;
}

std::vector<table::AddressKey> List::table_keys(const Query& query) const
{
    std::vector<table::AddressKey> keys;
    if (!query.name.empty()) {
        keys = table::domain_keys(query.written, query.whole_only ? table::ParentDomains::None : parents_);
        keys.front().whole = true;
    }
    if (!query.address.empty())
        keys.push_back({.text = query.address, .extension = {}, .whole = true});
    return keys;
}

Match List::match_from(Groups groups, std::size_t first, Query query) const
{
    for (std::size_t i = first; i < groups->size(); ++i) {
        Group& group = (*groups)[i];
        if (!group.problem.empty()) {
            if (trace::observer != nullptr)
                trace::observer->failed(group.problem);
            return Result<bool>(fail(ErrorKind::Temporary, group.problem));
        }
        if (group.table) {
            auto lookup = group.table->find_first(table_keys(query));
            if (!lookup.ready())
                return continue_match(std::move(lookup), std::move(groups), i, std::move(query));
            auto answer = lookup.take_ready();
            if (!answer)
                return Result<bool>(fail(std::move(answer).error()));
            if (*answer)
                return Result<bool>(!group.negated);
            continue;
        }
        const auto network = std::ranges::find_if(
            group.networks, [&](const auto& n) { return query.parsed && n.contains(*query.parsed); });
        if (network != group.networks.end() && trace::observer != nullptr)
            trace::observer->matched(
                fmt::format("{}{}/{}", group.negated ? "!" : "", network->base.to_string(), network->prefix));
        if (network != group.networks.end() || names_match(group, query))
            return Result<bool>(!group.negated);
    }
    return Result<bool>(false);
}

net::Task<Result<bool>> List::continue_match(table::ReadyOrTask<table::AddressAnswer> pending, Groups groups,
                                             std::size_t group, Query query) const
{
    auto answer = co_await std::move(pending);
    if (!answer)
        co_return fail(std::move(answer).error());
    if (*answer)
        co_return !(*groups)[group].negated;
    co_return co_await match_from(std::move(groups), group + 1, std::move(query));
}

Match List::matches_host(std::string_view name, std::string_view address)
{
    return match({.name = address::fold_case(name),
                  .written = std::string(name),
                  .address = std::string(address),
                  .parsed = address::IpAddress::parse(address)});
}

Match List::matches_domain(std::string_view domain)
{
    return match({.name = address::fold_case(domain), .written = std::string(domain)});
}

Match List::matches_string(std::string_view text)
{
    return match({.name = address::fold_case(text), .written = std::string(text), .whole_only = true});
}

Result<void> List::reopen_if_changed()
{
    Result<void> result;
    for (Group& group : *groups_)
        if (group.table)
            if (auto reopened = group.table->reopen_if_changed(); !reopened && result)
                result = std::move(reopened);
    return result;
}

Result<List> read_hosts(const config::Config& config, config::Parameter<std::string> parameter)
{
    const std::string_view name = config::declarations()[parameter.slot].name;
    auto list = List::parse(config.get(parameter), Kind::Host,
                            {.parents = parents_for(name, config.get(param::parent_domain_matches_subdomains))});
    if (!list)
        return fail(std::move(list).error().in(name));
    return list;
}

}  // namespace posthaste::match
