// targets.cc — see targets.h.
#include "daemon/local/targets.h"

#include "address/destinations.h"
#include "address/fold.h"
#include "address/local_part.h"
#include "base/fd.h"
#include "base/text.h"
#include "param/basics.h"
#include "param/local.h"

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

// The lines of a .forward or :include: file, without comments, as one list of destinations.
std::string list_of_lines(std::string_view text)
{
    std::string list;
    for (std::string_view line : split(text, "\n"))
        if (!trim(line).empty() && !trim(line).starts_with('#'))
            list.append(list.empty() ? "" : ", ").append(trim(line));
    return list;
}

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

bool Expansion::allowed(const std::string& parameter, std::string_view where) const
{
    for (std::string_view word : split(parameter, ", \t"))
        if (word == where)
            return true;
    return false;
}

Task<Result<std::optional<std::string>>> Expansion::alias_of(std::string name)
{
    co_return co_await aliases_.find(name);
}

// aliases(5): commands and files run with the rights of the alias table's owner; root's mean default_privs.
Task<Result<mailbox::Account>> Expansion::alias_account()
{
    auto status = table_file(aliases_);
    std::string name = config_.get(param::default_privs);
    if (::geteuid() != 0) {
        mailbox::Account self;
        self.name = "the mail system's user";
        self.uid = ::geteuid();
        self.gid = ::getegid();
        co_return self;
    }
    if (status && status->st_uid != 0)
        co_return mailbox::Account{"the owner of the alias table", status->st_uid, status->st_gid, {}, {}};
    co_return co_await mailbox::find_account(name);
}

Task<Result<void>> Expansion::expand_name(std::string address, unsigned depth)
{
    if (depth > deepest) {
        add_problem(address, dsn::Outcome::bounced({5, 4, 6}, "unreasonable alias nesting"));
        co_return Result<void>{};
    }
    Parts parts = parts_of(address);
    auto [user, extension] = address::split_extension(parts.local, config_.get(param::recipient_delimiter));
    bool first_time = seen_.insert(address::fold_case(parts.local)).second;
    std::vector<std::string> names{std::string(parts.local)};
    if (!extension.empty())
        names.emplace_back(user);
    for (const std::string& name : names) {
        if (!first_time)
            break;
        CO_TRY(auto list, co_await alias_of(address::fold_case(name)));
        if (!list)
            continue;
        CO_TRY(auto owner, co_await alias_of("owner-" + address::fold_case(name)));
        if (owner && depth == 0)
            result_.owner =
                "owner-" + name + "@" + (parts.domain.empty() ? config_.get(param::myorigin) : parts.domain);
        CO_TRY(mailbox::Account account, co_await alias_account());
        co_return co_await expand_list(std::move(*list), std::move(address), std::move(account), "alias", depth);
    }
    co_return co_await expand_user(std::move(address), address::fold_case(user), std::string(extension), depth);
}

Task<Result<void>> Expansion::expand_list(std::string list, std::string address, mailbox::Account account,
                                          std::string_view where, unsigned depth)
{
    using Kind = address::DestinationKind;
    auto refuse = [&](const std::string& what) {
        add_problem(address, dsn::Outcome::bounced({5, 7, 1}, "mail to " + what + " is restricted"));
    };
    for (address::Destination& destination : address::parse_destinations(list).list) {
        switch (destination.kind) {
        case Kind::Address: CO_TRY(co_await expand_address(std::move(destination.text), address, depth)); break;
        case Kind::Include:
            CO_TRY(co_await expand_include(std::move(destination.text), address, account, depth));
            break;
        case Kind::File:
            if (allowed(config_.get(param::allow_mail_to_files), where))
                result_.targets.push_back({TargetKind::File, address, std::move(destination.text), account, {}});
            else
                refuse("file");
            break;
        case Kind::Command:
            if (allowed(config_.get(param::allow_mail_to_commands), where))
                result_.targets.push_back({TargetKind::Command, address, std::move(destination.text), account, {}});
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
            result_.targets.push_back({TargetKind::Forward, std::move(address), std::move(destination), {}, {}});
            co_return Result<void>{};
        }
    } else {
        destination += "@" + config_.get(param::myorigin);
    }
    co_return co_await expand_name(std::move(destination), depth + 1);
}

// The file is read with the rights of whoever the list belongs to.
Task<Result<void>> Expansion::expand_include(std::string path, std::string address, mailbox::Account account,
                                             unsigned depth)
{
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
    co_return co_await expand_list(list_of_lines(content.text), std::move(address), std::move(account), "include",
                                   depth + 1);
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
        if (!path.starts_with('/') || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        auto content =
            co_await mailbox::run_as(account, std::chrono::seconds(60), [path] { return read_as_outcome(path); });
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
    if (seen_.insert("~" + user).second) {
        CO_TRY(auto list, co_await forward_file(*account, extension));
        if (list && !list->empty()) {
            seen_.insert(user);
            co_return co_await expand_list(std::move(*list), std::move(address), *account, "forward", depth + 1);
        }
    }
    result_.targets.push_back({TargetKind::Mailbox, std::move(address), {}, std::move(*account), {}});
    co_return Result<void>{};
}

}  // namespace posthaste::local
