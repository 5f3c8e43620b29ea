// targets.h — what a local recipient stands for: mailboxes, files, commands, and addresses of a new message.
//
// Aliases come first, then .forward, then the mailbox (local(8)). An alias that lists its own name means the user of
// that name, and so does a .forward file; an alias that another one leads back to is a loop, and so is an address that
// a Delivered-To: header names. A backslash before a name changes nothing. What stands in several lists counts once, as
// far as duplicate_filter_limit reaches. Each target carries the account whose rights count (local(8) DELIVERY RIGHTS):
// the recipient's, or the owner of the :include: file or alias table (default_privs where that is root).
//
// Aliases within lists are expanded on the spot. Users are so only while nothing but aliases without owner-NAME led to
// them: a .forward file and an alias that has an owner hand their users on in a new message, like addresses elsewhere,
// so that one of them who fails does not repeat the delivery to the others.
//
// Limits of one expansion: 100,000 destinations, 10,000 files, lists nested 100 deep.
#pragma once

#include "address/destinations.h"
#include "config/config.h"
#include "daemon/local/alias_tables.h"
#include "dsn/outcome.h"
#include "mailbox/child.h"
#include "net/task.h"
#include "routing/router.h"
#include "server/identity.h"
#include "table/maps.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::local {

enum class TargetKind : std::uint8_t { Mailbox, Transport, File, Command, Forward, Problem };

// Where a list of destinations comes from: what it may contain, and whose rights count. None: no list, the user.
enum class ListSource : std::uint8_t { None, AliasTable, AliasInclude, Forward, ForwardInclude, LuserRelay };

// On behalf of whom something is delivered: what the members of one list have in common. Never changed once made.
struct Scope {
    std::string address;       // the alias or user, with a domain: to= in the log, RECIPIENT of a command
    std::string name;          // the alias or user without extension, in lower case
    std::string extension;     // with its delimiter
    mailbox::Account account;  // whose rights count
    ListSource source = ListSource::None;
    std::optional<std::string> owner;   // sender of what is delivered, where an alias has an owner
    bool hands_on_for_owner = false;    // users are handed on in a new message: the alias has an owner,
    bool hands_on_for_forward = false;  // or a .forward file has led here
    std::string
        unmatched;  // the extension, if the list stands for the name without it (propagate_unmatched_extensions)

    [[nodiscard]] bool hands_on() const { return hands_on_for_owner || hands_on_for_forward; }
    [[nodiscard]] bool of_user() const
    {
        return source != ListSource::AliasTable && source != ListSource::AliasInclude;
    }
};
using ScopePtr = std::shared_ptr<const Scope>;

struct Target {
    TargetKind kind = TargetKind::Problem;
    ScopePtr scope;        // Mailbox, Transport: the user; else the list in which it stands
    std::string text;      // File: path; Command: command; Forward: address; Transport: "transport:nexthop"
    dsn::Outcome problem;  // Problem: what is wrong
};

// The tables that say what a name stands for. All but the aliases are opened as root, before anybody is served.
struct Tables {
    AliasTables aliases;
    table::Maps mailbox_transport;   // mailbox_transport_maps
    table::Maps fallback_transport;  // fallback_transport_maps
};

// default_privs: for commands and files that are nobody's or root's. Denied: it has rights of the mail system.
Task<Result<mailbox::Account>> unprivileged_account(const config::Config& config,
                                                    const server::MailSystemRights& forbidden);

// Expands one recipient; refers to the service's tables and configuration. Lives as long as the expansion.
class Expansion {
public:
    // delivered_to: mailbox::delivered_to_addresses() of the message.
    Expansion(const config::Config& config, Tables& tables, routing::Router& router,
              const server::MailSystemRights& forbidden, std::set<std::string> delivered_to);

    // An error is temporary: a table did not answer, or there is more than the limits allow. Problems of single members
    // are targets.
    Task<Result<std::vector<Target>>> expand(std::string recipient);

private:
    // An alias or a .forward file within whose list the expansion is.
    struct Step {
        enum class Kind : std::uint8_t { Alias, Forward };
        Kind kind;
        std::string name;  // the alias or the user
        ScopePtr scope;
    };
    // One step of the path, for as long as its list is being expanded.
    class PathStep {
    public:
        PathStep(std::vector<Step>& path, Step step) : path_(&path) { path.push_back(std::move(step)); }
        ~PathStep() { path_->pop_back(); }
        PathStep(const PathStep&) = delete;
        PathStep& operator=(const PathStep&) = delete;

    private:
        std::vector<Step>* path_;
    };
    // A name that is being looked up: the scope that it will have, as far as it is known.
    using Named = std::shared_ptr<Scope>;

    Task<Result<void>> expand_name(std::string address, ScopePtr around);
    Task<Result<void>> expand_alias(std::string key, Alias alias, Named named);
    Task<Result<void>> set_owner(Named named, std::string alias);
    bool was_here(const ScopePtr& scope);
    Task<Result<void>> expand_user(Named named);
    Task<Result<void>> expand_list(std::string list, ScopePtr scope);
    Task<Result<void>> expand_destination(address::Destination destination, ScopePtr scope);
    Task<Result<void>> expand_address(std::string destination, ScopePtr scope);
    Task<Result<void>> expand_include(std::string path, ScopePtr scope);
    [[nodiscard]] Named named(std::string address, const ScopePtr& around) const;
    Task<Result<mailbox::Account>> alias_account(std::optional<uid_t> owner);
    Task<Result<mailbox::Account>> include_account(uid_t owner, mailbox::Account account);
    Task<Result<std::optional<std::string>>> forward_list(Named named);
    Task<Result<std::optional<std::string>>> transport_for(table::Maps* maps, const std::string* fixed, Named named);
    Task<Result<void>> expand_unknown(Named named, std::string why);
    Result<void> count_file();
    [[nodiscard]] bool on_path(Step::Kind kind, const std::string& name) const;
    // True the first time, and always once duplicate_filter_limit is reached.
    bool is_new(std::string what);
    void add_target(Target target);
    void add_problem(ScopePtr scope, dsn::Outcome outcome);
    void add_unknown(ScopePtr scope, std::string why);
    void add_loop(ScopePtr scope);

    const config::Config& config_;
    Tables& tables_;
    const server::MailSystemRights& forbidden_;
    routing::Router& router_;
    std::set<std::string> delivered_to_;
    std::size_t duplicate_limit_;  // 0: none
    std::vector<Step> path_;
    unsigned depth_ = 0;  // lists within lists, those of :include: files, too
    std::size_t destinations_ = 0;
    std::size_t files_ = 0;
    std::set<std::string> includes_;    // files that have been read, and as whom
    std::set<std::string> remembered_;  // duplicate filter
    std::set<std::string> relayed_;     // names that luser_relay stands for
    std::vector<Target> targets_;
};

}  // namespace posthaste::local
