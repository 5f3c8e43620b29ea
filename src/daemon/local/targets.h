// targets.h — what a local recipient stands for: mailboxes, files, commands, and addresses elsewhere.
//
// Aliases come first, then .forward, then the mailbox (local(8)). An alias that lists its own name means the user of
// that name, and so does a .forward file; an alias that another one leads back to is a loop. A backslash before a name
// changes nothing. What stands in several lists counts once, as far as duplicate_filter_limit reaches. Each target
// carries the account whose rights count (local(8) DELIVERY RIGHTS): the recipient's, or the owner of the :include:
// file or alias table (default_privs where that is root).
//
// Limits of one expansion: 100,000 destinations, 10,000 files, lists nested 100 deep.
#pragma once

#include "address/destinations.h"
#include "config/config.h"
#include "dsn/outcome.h"
#include "mailbox/child.h"
#include "net/task.h"
#include "routing/router.h"
#include "table/maps.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::local {

enum class TargetKind : std::uint8_t { Mailbox, File, Command, Forward, Problem };

struct Target {
    TargetKind kind = TargetKind::Problem;
    std::string address;       // who this is in the log: the last local address on the way here
    std::string text;          // File: path; Command: command; Forward: address
    mailbox::Account account;  // Mailbox, File, Command: who it runs as
    dsn::Outcome problem;      // Problem: what is wrong
};

// Where a list of destinations comes from: what it may contain, and whose rights count.
enum class ListSource : std::uint8_t { AliasTable, AliasInclude, Forward, ForwardInclude };

struct Expanded {
    std::vector<Target> targets;
    std::string owner;  // sender of what is forwarded: owner-alias, if there is one; empty: unchanged
};

// Expands one recipient; refers to the service's tables and configuration. Lives as long as the expansion.
class Expansion {
public:
    Expansion(const config::Config& config, table::Maps& aliases, routing::Router& router);

    // An error is temporary: a table did not answer, or there is more than the limits allow. Problems of single members
    // are targets.
    Task<Result<Expanded>> expand(std::string recipient);

private:
    // An alias or a .forward file within whose list the expansion is.
    struct Step {
        enum class Kind : std::uint8_t { Alias, Forward };
        Kind kind;
        std::string name;     // the alias or the user
        std::string address;  // what has led here
    };
    class PathStep;

    Task<Result<void>> expand_name(std::string address);
    Task<Result<void>> expand_alias(std::string name, std::string list, std::string address);
    Task<Result<void>> expand_user(std::string address, std::string user, std::string extension);
    Task<Result<void>> expand_list(std::string list, std::string address, mailbox::Account account, ListSource source);
    Task<Result<void>> expand_destination(address::Destination destination, std::string address,
                                          mailbox::Account account, ListSource source);
    Task<Result<void>> expand_address(std::string destination, std::string address);
    Task<Result<void>> expand_include(std::string path, std::string address, mailbox::Account account,
                                      ListSource source);
    Task<Result<std::optional<std::string>>> alias_of(std::string name);
    Task<Result<mailbox::Account>> alias_account();
    Task<Result<mailbox::Account>> include_account(uid_t owner, mailbox::Account account);
    Task<Result<std::optional<std::string>>> forward_list(mailbox::Account account, std::string extension);
    Result<std::string> forward_paths(const mailbox::Account& account, const std::string& extension) const;
    Result<void> count_file();
    [[nodiscard]] bool on_path(Step::Kind kind, const std::string& name) const;
    // True the first time, and always once duplicate_filter_limit is reached.
    bool is_new(std::string what);
    void add_target(Target target);
    void add_problem(std::string address, dsn::Outcome outcome);
    void add_loop(std::string address);

    const config::Config& config_;
    table::Maps& aliases_;
    routing::Router& router_;
    std::size_t duplicate_limit_;  // 0: none
    std::vector<Step> path_;
    unsigned depth_ = 0;  // lists within lists, those of :include: files, too
    std::size_t destinations_ = 0;
    std::size_t files_ = 0;
    std::set<std::string> includes_;    // files that have been read, and as whom
    std::set<std::string> remembered_;  // duplicate filter
    Expanded result_;
};

}  // namespace posthaste::local
