// targets.cc — see targets.h.
#include "daemon/local/targets.h"

#include "address/fold.h"
#include "address/hostname.h"
#include "address/local_part.h"
#include "base/text.h"
#include "daemon/local/list_file.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/local.h"
#include "routing/owner_and_request.h"

#include <algorithm>
#include <fmt/format.h>

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

std::string_view word_of(ListSource source)
{
    return source == ListSource::AliasTable ? "alias" : source == ListSource::Forward ? "forward" : "include";
}

bool lists(const std::string& parameter, std::string_view word)
{
    return std::ranges::any_of(split(parameter, ", \t\r\n"), [&](std::string_view each) { return each == word; });
}

// postconf(5) allow_mail_to_commands, allow_mail_to_files.
bool allowed(const std::string& parameter, ListSource source) { return lists(parameter, word_of(source)); }

std::string with_extension(const std::string& address, const std::string& extension)
{
    Parts parts = parts_of(address);
    return parts.local + extension + (parts.domain.empty() ? "" : "@" + parts.domain);
}

// RFC 5321 4.1.2; a local part that begins with '-' would be an option for the program that gets it. No domain: it
// gets ours.
bool is_good_recipient(const std::string& address)
{
    const address::Split parts = address::split_at_domain(address);
    if (parts.local_part.empty() || parts.local_part.starts_with('-'))
        return false;
    if (!parts.has_domain)
        return true;
    return parts.domain.starts_with('[') ? address::is_valid_address_literal(parts.domain)
                                         : address::is_valid_hostname(parts.domain);
}

}  // namespace

Expansion::Expansion(const config::Config& config, Tables& tables, routing::Router& router,
                     const server::MailSystemRights& forbidden, std::set<std::string> delivered_to)
    : config_(config), tables_(tables), forbidden_(forbidden), router_(router), delivered_to_(std::move(delivered_to)),
      duplicate_limit_(static_cast<std::size_t>(config.get(param::duplicate_filter_limit)))
{
}

Task<Result<mailbox::Account>> unprivileged_account(const config::Config& config,
                                                    const server::MailSystemRights& forbidden)
{
    CO_TRY(mailbox::Account account, co_await mailbox::find_account(config.get(param::default_privs)));
    const std::string rights = forbidden.held_by({account.name, account.uid, account.gid});
    if (!rights.empty())
        co_return fail(ErrorKind::Denied, "default_privs names an account with the rights of " + rights);
    co_return account;
}

Task<Result<std::vector<Target>>> Expansion::expand(std::string recipient)
{
    CO_TRY(co_await expand_name(std::move(recipient), nullptr));
    co_return std::move(targets_);
}

void Expansion::add_problem(ScopePtr scope, dsn::Outcome outcome)
{
    targets_.push_back({TargetKind::Problem, std::move(scope), {}, std::move(outcome)});
}

// Mail of the system about itself must not bounce because nobody has said who reads it.
void Expansion::add_unknown(ScopePtr scope, std::string why)
{
    const bool required = scope->name == "postmaster" || scope->name == "mailer-daemon";
    if (required)
        log::warning("required alias not found: {}", scope->name);
    add_problem(std::move(scope), required ? dsn::Outcome::delivered({2, 0, 0}, "discarded", "local")
                                           : dsn::Outcome::bounced({5, 1, 1}, std::move(why), "local"));
}

void Expansion::add_loop(ScopePtr scope)
{
    std::string text = "alias database loop for " + parts_of(scope->address).local;
    if (!is_new(text))
        return;
    log::warning("{}", text);
    add_problem(std::move(scope), dsn::Outcome::bounced({5, 4, 6}, std::move(text)));
}

void Expansion::add_target(Target target)
{
    const bool is_mailbox = target.kind == TargetKind::Mailbox || target.kind == TargetKind::Transport;
    const std::string what = is_mailbox ? address::fold_case(parts_of(target.scope->address).local)
                             : target.kind == TargetKind::Forward ? address::fold_case(target.text)
                                                                  : target.text;
    // Addresses elsewhere do not depend on whose list they stand in.
    const uid_t user = target.kind == TargetKind::Forward ? 0 : target.scope->account.uid;
    if (is_new(fmt::format("{} {} {}", static_cast<int>(target.kind), user, what)))
        targets_.push_back(std::move(target));
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

// aliases(5): commands and files run with the rights of the alias table's owner; root's mean default_privs, and so do
// those of nobody.
Task<Result<mailbox::Account>> Expansion::alias_account(std::optional<uid_t> owner)
{
    if (::geteuid() != 0) {
        mailbox::Account self;
        self.name = "the mail system's user";
        self.uid = ::geteuid();
        self.gid = ::getegid();
        co_return self;
    }
    if (owner && *owner != 0)
        co_return co_await mailbox::find_account(*owner);
    co_return co_await unprivileged_account(config_, forbidden_);
}

Expansion::Named Expansion::named(std::string address, const ScopePtr& around) const
{
    auto scope = std::make_shared<Scope>();
    const std::string local = parts_of(address).local;
    auto [user, extension] =
        address::split_extension(local, config_.get(param::recipient_delimiter), routing::owner_and_request(config_));
    scope->name = address::fold_case(user);
    scope->extension = extension;
    scope->address = std::move(address);
    if (around) {
        scope->owner = around->owner;
        scope->hands_on_for_owner = around->hands_on_for_owner;
        scope->hands_on_for_forward = around->hands_on_for_forward;
    }
    return scope;
}

Task<Result<void>> Expansion::expand_name(std::string address, ScopePtr around)
{
    Named name = named(std::move(address), around);
    std::vector<std::string> keys{address::fold_case(parts_of(name->address).local)};
    if (!name->extension.empty())
        keys.push_back(name->name);
    bool own_name = false;
    for (std::string& key : keys) {
        // aliases(5): an alias may list its own name, for the mailbox of that name.
        own_name = !path_.empty() && path_.back().kind == Step::Kind::Alias && path_.back().name == key;
        if (own_name)
            break;
        CO_TRY(auto alias, co_await tables_.aliases.find(key));
        if (alias)
            co_return co_await expand_alias(std::move(key), std::move(*alias), std::move(name));
    }
    if (was_here(name))
        co_return Result<void>{};
    if (around && around->hands_on() && !own_name && !on_path(Step::Kind::Forward, name->name)) {
        add_target({TargetKind::Forward, std::move(around), name->address, {}});
        co_return Result<void>{};
    }
    co_return co_await expand_user(std::move(name));
}

// local(8): a Delivered-To: header with this address is a loop.
bool Expansion::was_here(const ScopePtr& scope)
{
    if (!delivered_to_.contains(address::fold_case(scope->address)))
        return false;
    std::string text = "mail forwarding loop for " + scope->address;
    if (is_new(text))
        add_problem(scope, dsn::Outcome::bounced({5, 4, 6}, std::move(text)));
    return true;
}

// aliases(5): owner-NAME gets what goes wrong with the members of NAME.
Task<Result<void>> Expansion::set_owner(Named named, std::string alias)
{
    if (!config_.get(param::owner_request_special))
        co_return Result<void>{};
    CO_TRY(auto owner, co_await tables_.aliases.find("owner-" + alias));
    if (config_.get(param::reset_owner_alias))
        named->hands_on_for_owner = false;
    if (!owner)
        co_return Result<void>{};
    named->hands_on_for_owner = true;
    std::string sender = "owner-" + alias;
    if (config_.get(param::expand_owner_alias)) {
        // Only an address can be a sender.
        const auto expanded = address::parse_destinations(owner->list);
        if (expanded.list.size() == 1 && expanded.list[0].kind == address::DestinationKind::Address)
            sender = expanded.list[0].text;
    }
    named->owner = parts_of(sender).domain.empty() ? sender + "@" + config_.get(param::myorigin) : sender;
    co_return Result<void>{};
}

Task<Result<void>> Expansion::expand_alias(std::string key, Alias alias, Named named)
{
    if (on_path(Step::Kind::Alias, key)) {
        add_loop(path_.back().scope);
        co_return Result<void>{};
    }
    if (!is_new("alias " + address::fold_case(parts_of(named->address).local)))
        co_return Result<void>{};
    if (key == named->name)
        named->unmatched = named->extension;
    CO_TRY(co_await set_owner(named, key));
    if (was_here(named))
        co_return Result<void>{};
    CO_TRY(named->account, co_await alias_account(alias.owner));
    named->source = ListSource::AliasTable;
    const PathStep step(path_, {Step::Kind::Alias, std::move(key), named});
    co_return co_await expand_list(std::move(alias.list), std::move(named));
}

Task<Result<void>> Expansion::expand_list(std::string list, ScopePtr scope)
{
    if (depth_ >= deepest) {
        add_loop(std::move(scope));
        co_return Result<void>{};
    }
    auto destinations = address::parse_destinations(list);
    destinations_ += destinations.list.size();
    if (destinations.truncated || destinations_ > most_destinations)
        co_return fail(ErrorKind::Temporary,
                       fmt::format("{} stands for more than {} destinations", scope->address, most_destinations));
    ++depth_;
    for (address::Destination& destination : destinations.list)
        CO_TRY(co_await expand_destination(std::move(destination), scope));
    --depth_;
    co_return Result<void>{};
}

Task<Result<void>> Expansion::expand_destination(address::Destination destination, ScopePtr scope)
{
    using Kind = address::DestinationKind;
    auto refuse = [&](const std::string& what) {
        add_problem(scope, dsn::Outcome::bounced({5, 7, 1}, "mail to " + what + " is restricted"));
    };
    switch (destination.kind) {
    case Kind::Address: co_return co_await expand_address(std::move(destination.text), std::move(scope));
    case Kind::Include: co_return co_await expand_include(std::move(destination.text), std::move(scope));
    case Kind::File:
        if (allowed(config_.get(param::allow_mail_to_files), scope->source))
            add_target({TargetKind::File, scope, std::move(destination.text), {}});
        else
            refuse("file");
        break;
    case Kind::Command:
        if (allowed(config_.get(param::allow_mail_to_commands), scope->source))
            add_target({TargetKind::Command, scope, std::move(destination.text), {}});
        else
            refuse("command");
        break;
    case Kind::Invalid:
        add_problem(scope, dsn::Outcome::bounced({5, 3, 5}, "malformed destination: " + printable(destination.text)));
        break;
    }
    co_return Result<void>{};
}

Task<Result<void>> Expansion::expand_address(std::string destination, ScopePtr scope)
{
    if (!is_good_recipient(destination)) {
        add_problem(scope, dsn::Outcome::bounced({5, 1, 3}, "bad recipient address syntax: " + printable(destination)));
        co_return Result<void>{};
    }
    if (!scope->unmatched.empty() && lists(config_.get(param::propagate_unmatched_extensions), word_of(scope->source)))
        destination = with_extension(destination, scope->unmatched);
    // far.test!user and user%far.test are addresses elsewhere (swap_bangpath, allow_percent_hack).
    destination = router_.canonical_form(destination, routing::RewriteContext::Local);
    const std::string domain = parts_of(destination).domain;
    if (domain.empty()) {
        destination += "@" + config_.get(param::myorigin);
    } else {
        CO_TRY(routing::AddressClass where, co_await router_.class_of(address::fold_case(domain)));
        if (where != routing::AddressClass::Local) {
            add_target({TargetKind::Forward, std::move(scope), std::move(destination), {}});
            co_return Result<void>{};
        }
    }
    co_return co_await expand_name(std::move(destination), std::move(scope));
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
Task<Result<void>> Expansion::expand_include(std::string path, ScopePtr scope)
{
    CO_TRY(count_file());
    auto file = co_await read_list_file(scope->account, path, ListFileKind::Include);
    if (!file) {
        add_problem(scope,
                    dsn::Outcome::deferred({4, 2, 4}, "cannot read include file " + path + ": " + file.error().text));
        co_return Result<void>{};
    }
    if (!includes_.insert(fmt::format("{} {}", scope->account.uid, file->identity)).second)
        co_return Result<void>{};
    auto included = std::make_shared<Scope>(*scope);
    included->source = scope->of_user() ? ListSource::ForwardInclude : ListSource::AliasInclude;
    if (!scope->of_user()) {
        CO_TRY(included->account, co_await include_account(file->owner, scope->account));
    }
    co_return co_await expand_list(std::move(file->destinations), std::move(included));
}

}  // namespace posthaste::local
