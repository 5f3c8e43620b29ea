// targets.cc — see targets.h.
#include "daemon/local/targets.h"

#include "address/destinations.h"
#include "address/fold.h"
#include "address/local_part.h"
#include "base/fd.h"
#include "base/text.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/local.h"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>

namespace posthaste::local {

namespace {

constexpr unsigned deepest = 100;
constexpr std::size_t largest_list = 1 << 20;

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

dsn::Outcome read_as_outcome(const std::string& path)
{
    auto content = read_file(path, largest_list);
    return content ? dsn::Outcome::delivered({2, 0, 0}, std::move(*content))
                   : dsn::Outcome::deferred({4, 3, 0}, content.error().text());
}

// As read_as_outcome; bounced, with the reason, is a file that others than the user or root could have written.
dsn::Outcome read_forward(const std::string& path, uid_t user)
{
    auto distrusted = [&](const std::string& why) {
        return dsn::Outcome::bounced({5, 7, 0}, "file " + path + " " + why);
    };
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0)
        return dsn::Outcome::deferred({4, 3, 0}, Error::system(errno, "stat " + path).text());
    if (!S_ISREG(status.st_mode))
        return distrusted("is not a regular file");
    if (status.st_uid != 0 && status.st_uid != user)
        return distrusted("has bad owner uid " + std::to_string(status.st_uid));
    if (status.st_mode & S_IWOTH)
        return distrusted("is world writable");
    return read_as_outcome(path);
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

// The lines of a .forward or :include: file, without comments, as one list of destinations.
std::string list_of_lines(std::string_view text)
{
    std::string list;
    for (std::string_view line : split(text, "\n"))
        if (!trim(line).empty() && !trim(line).starts_with('#'))
            list.append(list.empty() ? "" : ", ").append(trim(line));
    return list;
}

// One name of the path, for as long as its expansion lasts.
class PathStep {
public:
    PathStep(std::vector<std::string>& path, std::string name) : path_(&path) { path.push_back(std::move(name)); }
    ~PathStep() { path_->pop_back(); }
    PathStep(const PathStep&) = delete;
    PathStep& operator=(const PathStep&) = delete;

private:
    std::vector<std::string>* path_;
};

}  // namespace

Task<Result<Expanded>> Expansion::expand(std::string recipient)
{
    CO_TRY(co_await expand_name(std::move(recipient), 0));
    co_return std::move(result_);
}

void Expansion::add_problem(std::string address, dsn::Outcome outcome)
{
    result_.targets.push_back({TargetKind::Problem, std::move(address), {}, {}, std::move(outcome)});
}

void Expansion::add_target(Target target)
{
    const std::string& what = target.kind == TargetKind::Mailbox ? target.account.name : target.text;
    if (targets_.emplace(target.kind, target.account.uid, what).second)
        result_.targets.push_back(std::move(target));
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

Task<Result<void>> Expansion::expand_name(std::string address, unsigned depth)
{
    if (depth > deepest) {
        add_problem(address, dsn::Outcome::bounced({5, 4, 6}, "unreasonable alias nesting"));
        co_return Result<void>{};
    }
    Parts parts = parts_of(address);
    auto [user, extension] = address::split_extension(parts.local, config_.get(param::recipient_delimiter));
    const std::string whole = address::fold_case(parts.local);
    const bool within_itself = std::ranges::find(path_, whole) != path_.end();
    if (!within_itself && !names_.insert(whole).second)
        co_return Result<void>{};
    const PathStep step(path_, whole);
    std::vector<std::string> names;
    if (!within_itself)
        names.push_back(parts.local);
    if (!within_itself && !extension.empty())
        names.emplace_back(user);
    for (const std::string& name : names) {
        CO_TRY(auto list, co_await alias_of(address::fold_case(name)));
        if (!list)
            continue;
        CO_TRY(auto owner, co_await alias_of("owner-" + address::fold_case(name)));
        if (owner && depth == 0)
            result_.owner =
                "owner-" + name + "@" + (parts.domain.empty() ? config_.get(param::myorigin) : parts.domain);
        CO_TRY(mailbox::Account account, co_await alias_account());
        co_return co_await expand_list(std::move(*list), std::move(address), std::move(account), ListSource::AliasTable,
                                       depth);
    }
    co_return co_await expand_user(std::move(address), address::fold_case(user), std::string(extension), depth);
}

Task<Result<void>> Expansion::expand_list(std::string list, std::string address, mailbox::Account account,
                                          ListSource source, unsigned depth)
{
    using Kind = address::DestinationKind;
    auto refuse = [&](const std::string& what) {
        add_problem(address, dsn::Outcome::bounced({5, 7, 1}, "mail to " + what + " is restricted"));
    };
    for (address::Destination& destination : address::parse_destinations(list).list) {
        switch (destination.kind) {
        case Kind::Address: CO_TRY(co_await expand_address(std::move(destination.text), address, depth)); break;
        case Kind::Include:
            CO_TRY(co_await expand_include(std::move(destination.text), address, account, source, depth));
            break;
        case Kind::File:
            if (allowed(config_.get(param::allow_mail_to_files), source))
                add_target({TargetKind::File, address, std::move(destination.text), account, {}});
            else
                refuse("file");
            break;
        case Kind::Command:
            if (allowed(config_.get(param::allow_mail_to_commands), source))
                add_target({TargetKind::Command, address, std::move(destination.text), account, {}});
            else
                refuse("command");
            break;
        case Kind::Invalid:
            add_problem(address,
                        dsn::Outcome::bounced({5, 3, 5}, "malformed destination: " + printable(destination.text)));
            break;
        }
    }
    co_return Result<void>{};
}

Task<Result<void>> Expansion::expand_address(std::string destination, std::string address, unsigned depth)
{
    if (destination.starts_with('\\'))
        destination.erase(0, 1);  // aliases(5): a name behind a backslash is not expanded again
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
    co_return co_await expand_name(std::move(destination), depth + 1);
}

// The owner of an :include: file that the alias table names, unless that is root.
Task<Result<mailbox::Account>> Expansion::include_account(std::string path, mailbox::Account account)
{
    struct stat status{};
    if (::geteuid() != 0 || ::stat(path.c_str(), &status) != 0 || status.st_uid == 0)
        co_return account;
    co_return co_await mailbox::find_account(status.st_uid);
}

// The file is read with the rights of whoever the list around it belongs to.
Task<Result<void>> Expansion::expand_include(std::string path, std::string address, mailbox::Account account,
                                             ListSource source, unsigned depth)
{
    if (!includes_.emplace(account.uid, path).second)
        co_return Result<void>{};
    auto content =
        co_await mailbox::run_as(account, std::chrono::seconds(60), [path] { return read_as_outcome(path); });
    if (content.action != dsn::Action::Delivered) {
        add_problem(address,
                    dsn::Outcome::deferred({4, 2, 4}, "cannot read include file " + path + ": " + content.text));
        co_return Result<void>{};
    }
    if (depth > deepest) {
        add_problem(address, dsn::Outcome::bounced({5, 4, 6}, "unreasonable alias nesting"));
        co_return Result<void>{};
    }
    const bool of_user = source == ListSource::Forward || source == ListSource::ForwardInclude;
    if (!of_user) {
        CO_TRY(account, co_await include_account(std::move(path), account));
    }
    co_return co_await expand_list(list_of_lines(content.text), std::move(address), std::move(account),
                                   of_user ? ListSource::ForwardInclude : ListSource::AliasInclude, depth + 1);
}

Task<Result<std::optional<std::string>>> Expansion::forward_file(mailbox::Account account, std::string extension)
{
    std::string delimiter = extension.substr(0, 1);
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
            return value(delimiter);
        return std::optional<config::NameValue>();
    };
    CO_TRY(std::string paths, config_.try_expand(config_.get(param::forward_path), names));
    for (std::string_view piece : split(paths, ", \t\r\n")) {
        std::string path(piece);
        struct stat status{};
        if (!path.starts_with('/') || ::lstat(path.c_str(), &status) != 0)
            continue;
        auto content = co_await mailbox::run_as(account, std::chrono::seconds(60),
                                                [path, user = account.uid] { return read_forward(path, user); });
        if (content.action == dsn::Action::Bounced) {
            log::warning("{}", content.text);
            continue;
        }
        if (content.action != dsn::Action::Delivered)
            co_return fail(ErrorKind::Temporary, "cannot read " + path + ": " + content.text);
        co_return std::optional(list_of_lines(content.text));
    }
    co_return std::optional<std::string>();
}

Task<Result<void>> Expansion::expand_user(std::string address, std::string user, std::string extension, unsigned depth)
{
    auto account = co_await mailbox::find_account(user);
    if (!account && account.error().kind() == ErrorKind::NotFound) {
        add_problem(std::move(address), dsn::Outcome::bounced({5, 1, 1}, account.error().text(), "local"));
        co_return Result<void>{};
    }
    if (!account)
        co_return fail(std::move(account).error());
    if (forwarded_.insert(user).second) {
        CO_TRY(auto list, co_await forward_file(*account, extension));
        if (list && !list->empty())
            co_return co_await expand_list(std::move(*list), std::move(address), *account, ListSource::Forward,
                                           depth + 1);
    }
    add_target({TargetKind::Mailbox, std::move(address), {}, std::move(*account), {}});
    co_return Result<void>{};
}

}  // namespace posthaste::local
