// check_peers.cc — the services that lines of master.cf ask are in master.cf, too.
#include "base/text.h"
#include "command/postfix/checks.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>

namespace posthaste::postfix {

namespace {

// What is asked by others. declare/services.toml says which program asks whom; test_declarations.py compares. Other
// transports of qmgr are looked at in check_routes.cc, proxymap in check_proxymap.cc; nothing stands still without
// rewrite.
struct Peer {
    std::string_view name;       // in the default master.cf
    std::string_view parameter;  // that names another; empty: there is none
    std::string_view fields;     // of its line
    std::string_view programs;   // of the lines that need it
    std::string_view user;       // who asks, if it is not the line itself
    std::string_view loss;       // what is without it
};

constexpr std::string_view queue_manager = "qmgr nqmgr oqmgr";
constexpr std::string_view reporters = "qmgr nqmgr oqmgr smtp lmtp local virtual error discard pipe";
constexpr std::string_view reporters_and_servers = "smtpd qmgr nqmgr oqmgr smtp lmtp local virtual error discard pipe";

constexpr std::array peers{
    Peer{.name = "qmgr",
         .parameter = "queue_service_name",
         .fields = "unix n - n 300 1 qmgr",
         .programs = "smtpd pickup cleanup bounce flush showq",
         .user = "",
         .loss = "no mail is accepted or delivered"},
    Peer{.name = "pickup",
         .parameter = "pickup_service_name",
         .fields = "unix n - n 60 1 pickup",
         .programs = queue_manager,
         .user = "sendmail(1)",
         .loss = "mail of the programs of this machine waits in maildrop"},
    Peer{.name = "showq",
         .parameter = "showq_service_name",
         .fields = "unix n - n - - showq",
         .programs = queue_manager,
         .user = "postqueue(1)",
         .loss = "users cannot list the queue"},
    Peer{.name = "bounce",
         .parameter = "bounce_service_name",
         .fields = "unix - - n - 0 bounce",
         .programs = reporters_and_servers,
         .user = "",
         .loss = "mail that cannot be delivered stays in the queue, and its senders are not told"},
    Peer{.name = "defer",
         .parameter = "defer_service_name",
         .fields = "unix - - n - 0 bounce",
         .programs = reporters,
         .user = "",
         .loss = "nobody is told why mail waits, or that it is delayed"},
    Peer{.name = "trace",
         .parameter = "trace_service_name",
         .fields = "unix - - n - 0 bounce",
         .programs = reporters,
         .user = "",
         .loss = "reports of success that a sender asks for are not made"},
    Peer{.name = "error",
         .parameter = "error_service_name",
         .fields = "unix - - n - - error",
         .programs = queue_manager,
         .user = "",
         .loss = "mail for recipients that do not exist waits and is not returned"},
    Peer{.name = "cleanup",
         .parameter = "cleanup_service_name",
         .fields = "unix n - n - 0 cleanup",
         .programs = "local",
         .user = "",
         .loss = "mail that aliases and .forward files send on waits"},
    Peer{.name = "flush",
         .parameter = "flush_service_name",
         .fields = "unix n - n 1000? 0 flush",
         .programs = "smtpd",
         .user = "",
         .loss = "ETRN and postqueue -s fail"},
    Peer{.name = "anvil",
         .parameter = "",
         .fields = "unix - - n - 1 anvil",
         .programs = "smtpd",
         .user = "",
         .loss = "clients are served without limits of their number and rates"},
};

bool is_one_of(std::string_view program, std::string_view programs)
{
    return std::ranges::any_of(split(programs, " "), [&](std::string_view one) { return one == program; });
}

// The service that this line asks.
std::string name_for(const Subject& subject, const config::MasterService& line, const Peer& peer)
{
    if (peer.parameter.empty())
        return std::string(peer.name);
    for (const auto& [name, value] : line.overrides)
        if (name == peer.parameter)
            return subject.config.expand(value);
    const auto value = subject.config.value_of(peer.parameter);
    return value ? value->value_or("") : "";
}

bool has_socket(const Subject& subject, std::string_view name)
{
    return std::ranges::any_of(subject.master_cf.services, [&](const config::MasterService& service) {
        return service.name == name && service.type != config::ServiceType::Inet;
    });
}

}  // namespace

namespace checks {

void peers(const Subject& subject, Findings& findings)
{
    for (const Peer& peer : postfix::peers) {
        std::set<std::string> missing;
        for (const config::MasterService& line : subject.master_cf.services) {
            if (!is_one_of(line.command, peer.programs))
                continue;
            const std::string name = name_for(subject, line, peer);
            if (has_socket(subject, name) || !missing.insert(name).second)
                continue;
            findings.push_back({.severity = Severity::Warning,
                                .place = line.place,
                                .service = key_of(line),
                                .text = fmt::format("master.cf has no service {}, which {} needs: {}", name,
                                                    peer.user.empty() ? "it" : peer.user, peer.loss),
                                .remedy = fmt::format("add the line: {} {}", name, peer.fields)});
        }
    }
}

}  // namespace checks
}  // namespace posthaste::postfix
