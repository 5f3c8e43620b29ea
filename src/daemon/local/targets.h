// targets.h — what a local recipient stands for: mailboxes, files, commands, and addresses elsewhere.
//
// Aliases come first, then .forward, then the mailbox (local(8)). A name within its own expansion means its mailbox;
// one that stands in several lists counts once, as do file, command and address. Each target carries the account whose
// rights count (local(8) DELIVERY RIGHTS): the recipient's, or the owner of the :include: file or alias table
// (default_privs where that is root).
#pragma once

#include "config/config.h"
#include "dsn/outcome.h"
#include "mailbox/child.h"
#include "net/task.h"
#include "routing/router.h"
#include "table/maps.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
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

// Expands one recipient at a time; refers to the service's tables and configuration.
class Expansion {
public:
    Expansion(const config::Config& config, table::Maps& aliases, routing::Router& router)
        : config_(config), aliases_(aliases), router_(router)
    {
    }

    // An error is temporary: a table did not answer. Problems of single members are targets.
    Task<Result<Expanded>> expand(std::string recipient);

private:
    Task<Result<void>> expand_name(std::string address, unsigned depth);
    Task<Result<void>> expand_list(std::string list, std::string address, mailbox::Account account, ListSource source,
                                   unsigned depth);
    Task<Result<void>> expand_address(std::string destination, std::string address, unsigned depth);
    Task<Result<void>> expand_include(std::string path, std::string address, mailbox::Account account,
                                      ListSource source, unsigned depth);
    Task<Result<void>> expand_user(std::string address, std::string user, std::string extension, unsigned depth);
    Task<Result<std::optional<std::string>>> alias_of(std::string name);
    Task<Result<mailbox::Account>> alias_account();
    Task<Result<std::optional<std::string>>> forward_file(mailbox::Account account, std::string extension);
    Task<Result<mailbox::Account>> include_account(std::string path, mailbox::Account account);
    void add_target(Target target);
    void add_problem(std::string address, dsn::Outcome outcome);

    const config::Config& config_;
    table::Maps& aliases_;
    routing::Router& router_;
    std::vector<std::string> path_;    // names that are being expanded, within each other
    std::set<std::string> names_;      // that have been expanded
    std::set<std::string> forwarded_;  // users whose .forward has been read
    std::set<std::pair<uid_t, std::string>> includes_;
    std::set<std::tuple<TargetKind, uid_t, std::string>> targets_;
    Expanded result_;
};

}  // namespace posthaste::local
