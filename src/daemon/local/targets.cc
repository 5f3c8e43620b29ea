// targets.cc — see targets.h.
#include "daemon/local/targets.h"

#include "address/fold.h"
#include "address/local_part.h"
#include "base/text.h"
#include "daemon/local/list_file.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/local.h"

#include <algorithm>
#include <fmt/format.h>
#include <sys/stat.h>

namespace posthaste::local {

namespace {

constexpr unsigned deepest = 100;
constexpr std::size_t most_destinations = 100'000;
constexpr std::size_t most_files = 10'000;

struct Parts {
    std::string local;
    std::string domain;
};

Parts parts_of(const std::string& address)
{
    std::size_t at = address.rfind('@');
    if (at == std::string::npos)
        return {address, {}};
    return {address.substr(0, at), address.substr(at + 1)};
}

// The file that an indexed table is, for its owner: "hash:/etc/aliases" -> /etc/aliases.db or the source.
std::optional<struct stat> table_file(const table::Maps& maps)
{
    for (const auto& table : maps.tables()) {
        std::string path = table->name().substr(table->name().find(':') + 1);
        struct stat status{};
        for (const char* suffix : {".db", ".lmdb", ".cdb", ""})
            if (::stat((path + suffix).c_str(), &status) == 0)
                return status;
    }
    return std::nullopt;
}

std::string_view word_of(ListSource source)
{
    return source == ListSource::AliasTable ? "alias" : source == ListSource::Forward ? "forward" : "include";
}

// postconf(5) allow_mail_to_commands, allow_mail_to_files.
bool allowed(const std::string& parameter, ListSource source)
{
    return std::ranges::any_of(split(parameter, ", \t"),
                               [&](std::string_view word) { return word == word_of(source); });
}

}  // namespace

// One step of the path, for as long as its list is being expanded.
class Expansion::PathStep {
public:
    PathStep(std::vector<Step>& path, Step step) : path_(&path) { path.push_back(std::move(step)); }
    ~PathStep() { path_->pop_back(); }
    PathStep(const PathStep&) = delete;
    PathStep& operator=(const PathStep&) = delete;

private:
    std::vector<Step>* path_;
};

Expansion::Expansion(const config::Config& config, table::Maps& aliases, routing::Router& router)
    : config_(config), aliases_(aliases), router_(router),
      duplicate_limit_(static_cast<std::size_t>(config.get(param::duplicate_filter_limit)))
{
}

Task<Result<Expanded>> Expansion::expand(std::string recipient)
{
    CO_TRY(co_await expand_name(std::move(recipient)));
    co_return std::move(result_);
}

void Expansion::add_problem(std::string address, dsn::Outcome outcome)
{
    result_.targets.push_back({TargetKind::Problem, std::move(address), {}, {}, std::move(outcome)});
}

void Expansion::add_loop(std::string address)
{
    std::string text = "alias database loop for " + parts_of(address).local;
    if (!is_new(text))
        return;
    log::warning("{}", text);
    add_problem(std::move(address), dsn::Outcome::bounced({5, 4, 6}, std::move(text)));
}

void Expansion::add_target(Target target)
{
    const std::string what = target.kind == TargetKind::Mailbox   ? address::fold_case(parts_of(target.address).local)
                             : target.kind == TargetKind::Forward ? address::fold_case(target.text)
                                                                  : target.text;
    if (is_new(fmt::format("{} {} {}", static_cast<int>(target.kind), target.account.uid, what)))
        result_.targets.push_back(std::move(target));
}

bool Expansion::is_new(std::string what)
{
    if (duplicate_limit_ > 0 && remembered_.size() >= duplicate_limit_)
        return !remembered_.contains(what);
    return remembered_.insert(std::move(what)).second;
}

bool Expansion::on_path(Step::Kind kind, const std::string& name) const
{
    return std::ranges::any_of(path_, [&](const Step& step) { return step.kind == kind && step.name == name; });
}

Task<Result<std::optional<std::string>>> Expansion::alias_of(std::string name)
{
    co_return co_await aliases_.find(name);
}

// aliases(5): commands and files run with the rights of the alias table's owner; root's mean default_privs.
Task<Result<mailbox::Account>> Expansion::alias_account()
{
    if (::geteuid() != 0) {
        mailbox::Account self;
        self.name = "the mail system's user";
        self.uid = ::geteuid();
        self.gid = ::getegid();
        co_return self;
    }
    auto status = table_file(aliases_);
    if (status && status->st_uid != 0)
        co_return co_await mailbox::find_account(status->st_uid);
    co_return co_await mailbox::find_account(config_.get(param::default_privs));
}

Task<Result<void>> Expansion::expand_name(std::string address)
{
    Parts parts = parts_of(address);
    auto [user, extension] = address::split_extension(parts.local, config_.get(param::recipient_delimiter));
    std::vector<std::string> names{address::fold_case(parts.local)};
    if (!extension.empty())
        names.push_back(address::fold_case(user));
    for (std::string& name : names) {
        // aliases(5): an alias may list its own name, for the mailbox of that name.
        if (!path_.empty() && path_.back().kind == Step::Kind::Alias && path_.back().name == name)
            break;
        CO_TRY(auto list, co_await alias_of(name));
        if (list)
            co_return co_await expand_alias(std::move(name), std::move(*list), std::move(address));
    }
    co_return co_await expand_user(std::move(address), address::fold_case(user), std::string(extension));
}

Task<Result<void>> Expansion::expand_alias(std::string name, std::string list, std::string address)
{
    if (on_path(Step::Kind::Alias, name)) {
        add_loop(path_.back().address);
        co_return Result<void>{};
    }
    if (!is_new("alias " + address::fold_case(parts_of(address).local)))
        co_return Result<void>{};
    CO_TRY(auto owner, co_await alias_of("owner-" + name));
    if (owner && path_.empty()) {
        const Parts parts = parts_of(address);
        result_.owner = "owner-" + name + "@" + (parts.domain.empty() ? config_.get(param::myorigin) : parts.domain);
    }
    CO_TRY(mailbox::Account account, co_await alias_account());
    const PathStep step(path_, {Step::Kind::Alias, std::move(name), address});
    co_return co_await expand_list(std::move(list), std::move(address), std::move(account), ListSource::AliasTable);
}

Task<Result<void>> Expansion::expand_user(std::string address, std::string user, std::string extension)
{
    auto account = co_await mailbox::find_account(user);
    if (!account && account.error().kind() == ErrorKind::NotFound) {
        if (is_new("unknown " + user))
            add_problem(std::move(address), dsn::Outcome::bounced({5, 1, 1}, account.error().text(), "local"));
        co_return Result<void>{};
    }
    if (!account)
        co_return fail(std::move(account).error());
    if (!on_path(Step::Kind::Forward, user)) {
        if (!is_new("user " + address::fold_case(parts_of(address).local)))
            co_return Result<void>{};
        CO_TRY(auto list, co_await forward_list(*account, std::move(extension)));
        if (list && !list->empty()) {
            const PathStep step(path_, {Step::Kind::Forward, std::move(user), address});
            co_return co_await expand_list(std::move(*list), std::move(address), *account, ListSource::Forward);
        }
    }
    add_target({TargetKind::Mailbox, std::move(address), {}, std::move(*account), {}});
    co_return Result<void>{};
}

Task<Result<void>> Expansion::expand_list(std::string list, std::string address, mailbox::Account account,
                                          ListSource source)
{
    if (depth_ >= deepest) {
        add_loop(std::move(address));
        co_return Result<void>{};
    }
    auto destinations = address::parse_destinations(list);
    destinations_ += destinations.list.size();
    if (destinations.truncated || destinations_ > most_destinations)
        co_return fail(ErrorKind::Temporary,
                       fmt::format("{} stands for more than {} destinations", address, most_destinations));
    ++depth_;
    for (address::Destination& destination : destinations.list)
        CO_TRY(co_await expand_destination(std::move(destination), address, account, source));
    --depth_;
    co_return Result<void>{};
}

Task<Result<void>> Expansion::expand_destination(address::Destination destination, std::string address,
                                                 mailbox::Account account, ListSource source)
{
    using Kind = address::DestinationKind;
    auto refuse = [&](const std::string& what) {
        add_problem(address, dsn::Outcome::bounced({5, 7, 1}, "mail to " + what + " is restricted"));
    };
    switch (destination.kind) {
    case Kind::Address: co_return co_await expand_address(std::move(destination.text), std::move(address));
    case Kind::Include:
        co_return co_await expand_include(std::move(destination.text), std::move(address), std::move(account), source);
    case Kind::File:
        if (allowed(config_.get(param::allow_mail_to_files), source))
            add_target({TargetKind::File, address, std::move(destination.text), std::move(account), {}});
        else
            refuse("file");
        break;
    case Kind::Command:
        if (allowed(config_.get(param::allow_mail_to_commands), source))
            add_target({TargetKind::Command, address, std::move(destination.text), std::move(account), {}});
        else
            refuse("command");
        break;
    case Kind::Invalid:
        add_problem(address, dsn::Outcome::bounced({5, 3, 5}, "malformed destination: " + printable(destination.text)));
        break;
    }
    co_return Result<void>{};
}

Task<Result<void>> Expansion::expand_address(std::string destination, std::string address)
{
    Parts parts = parts_of(destination);
    if (!parts.domain.empty()) {
        CO_TRY(routing::AddressClass where, co_await router_.class_of(address::fold_case(parts.domain)));
        if (where != routing::AddressClass::Local) {
            add_target({TargetKind::Forward, std::move(address), std::move(destination), {}, {}});
            co_return Result<void>{};
        }
    } else {
        destination += "@" + config_.get(param::myorigin);
    }
    co_return co_await expand_name(std::move(destination));
}

Result<void> Expansion::count_file()
{
    if (++files_ > most_files)
        return fail(ErrorKind::Temporary, fmt::format("more than {} files to read", most_files));
    return {};
}

// The owner of an :include: file that the alias table names, unless that is root.
Task<Result<mailbox::Account>> Expansion::include_account(uid_t owner, mailbox::Account account)
{
    if (::geteuid() != 0 || owner == 0)
        co_return account;
    co_return co_await mailbox::find_account(owner);
}

// The file is read with the rights of whoever the list around it belongs to.
Task<Result<void>> Expansion::expand_include(std::string path, std::string address, mailbox::Account account,
                                             ListSource source)
{
    CO_TRY(count_file());
    auto file = co_await read_list_file(account, path, ListFileKind::Include);
    if (!file) {
        add_problem(address,
                    dsn::Outcome::deferred({4, 2, 4}, "cannot read include file " + path + ": " + file.error().text));
        co_return Result<void>{};
    }
    if (!includes_.insert(fmt::format("{} {}", account.uid, file->identity)).second)
        co_return Result<void>{};
    const bool of_user = source == ListSource::Forward || source == ListSource::ForwardInclude;
    if (!of_user) {
        CO_TRY(account, co_await include_account(file->owner, account));
    }
    co_return co_await expand_list(std::move(file->destinations), std::move(address), std::move(account),
                                   of_user ? ListSource::ForwardInclude : ListSource::AliasInclude);
}

Result<std::string> Expansion::forward_paths(const mailbox::Account& account, const std::string& extension) const
{
    auto names = [&](std::string_view name) -> Result<std::optional<config::NameValue>> {
        auto value = [](std::string text) {
            return std::optional(config::NameValue{std::move(text), config::Further::Keep});
        };
        if (name == "home")
            return value(account.home);
        if (name == "user")
            return value(account.name);
        if (name == "extension")
            return value(extension.empty() ? std::string() : extension.substr(1));
        if (name == "recipient_delimiter")
            return value(extension.substr(0, 1));
        return std::optional<config::NameValue>();
    };
    return config_.try_expand(config_.get(param::forward_path), names);
}

// The list in the first file of forward_path that exists and can be trusted.
Task<Result<std::optional<std::string>>> Expansion::forward_list(mailbox::Account account, std::string extension)
{
    CO_TRY(std::string paths, forward_paths(account, extension));
    for (std::string_view piece : split(paths, ", \t\r\n")) {
        std::string path(piece);
        struct stat status{};
        if (!path.starts_with('/') || ::lstat(path.c_str(), &status) != 0)
            continue;
        CO_TRY(count_file());
        auto file = co_await read_list_file(account, path, ListFileKind::Forward);
        if (file)
            co_return std::optional(std::move(file->destinations));
        if (file.error().action != dsn::Action::Bounced)
            co_return fail(ErrorKind::Temporary, "cannot read " + path + ": " + file.error().text);
        log::warning("{}", file.error().text);
    }
    co_return std::optional<std::string>();
}

}  // namespace posthaste::local
