// checks.h — what postfix check looks at: one function a matter, which adds what it finds. All of them look only, but
// for directories(), which makes what is missing below queue_directory.
#pragma once

#include "command/postfix/finding.h"
#include "config/config.h"
#include "config/master_cf.h"
#include "match/list.h"

#include <functional>
#include <optional>
#include <string_view>

namespace posthaste::postfix {

// What the ports of the mail system may be at.
enum class SystemState : std::uint8_t {
    Running,   // they are its own
    Stopped,   // they are to be free
    Starting,  // they are to be free soon: processes of a killed master may need some seconds to leave them
};

// What is looked at. Refers to what the caller keeps.
struct Subject {
    const config::Config& config;
    const config::MasterCf& master_cf;
    bool is_root;
    SystemState state;
};

namespace checks {

// Values that break their kind, and what the parser of main.cf noticed.
void values(const Subject& subject, Findings& findings);
// Names that nobody reads, settings without effect.
void names(const Subject& subject, Findings& findings);
// Defaults of an older version, and a version that is not known.
void defaults(const Subject& subject, Findings& findings);
// Values that one program reads in a way of its own.
void texts(const Subject& subject, Findings& findings);
// -o options with a bad value.
void overrides(const Subject& subject, Findings& findings);
// Parameters for one service, such as smtp_destination_rate_delay.
void families(const Subject& subject, Findings& findings);
// maillog_file.
void log_file(const Subject& subject, Findings& findings);
// mail_owner and setgid_group exist.
void accounts(const Subject& subject, Findings& findings);
// queue_directory exists, what is below it and data_directory are made, owners and modes are right. After accounts().
void directories(const Subject& subject, Findings& findings);
// Programs of master.cf, and master itself.
void programs(const Subject& subject, Findings& findings);
// postdrop, postqueue and the like run with setgid_group.
void set_gid_programs(const Subject& subject, Findings& findings);
// user= of pipe and spawn.
void service_users(const Subject& subject, Findings& findings);
// Addresses and ports of inet services: they exist and, unless the system runs, are free.
void ports(const Subject& subject, Findings& findings);
// Restriction names and other settings, as the SMTP server itself sees them.
void smtp_servers(const Subject& subject, Findings& findings);
// Lookup tables open, and indexes are not older than their sources.
void tables(const Subject& subject, Findings& findings);
// The services that lines of master.cf, and commands, ask are there.
void peers(const Subject& subject, Findings& findings);
// proxymap(8) is there where something asks it.
void proxymap(const Subject& subject, Findings& findings);
// The lists of domains parse, and no domain is in two address classes.
void address_classes(const Subject& subject, Findings& findings);
// relayhost, *_transport, transport_maps and their like: the service exists, the nexthop is well-formed. The services
// that rewrite_service_name names exist. The -o options of main.cf's count here and for address_classes().
void transports(const Subject& subject, Findings& findings);
// Certificates and keys.
void certificates(const Subject& subject, Findings& findings);

}  // namespace checks

// The place of the setting of a parameter that counts; empty where it has its default.
config::Place place_of(const config::Config& config, std::string_view parameter);
// The same for a service, whose -o options count first.
config::Place place_in(const Subject& subject, const config::MasterService& service, std::string_view parameter);

// main.cf with the -o options of a service. Invalid: one of them has a bad value.
Result<std::shared_ptr<const config::Config>> load_with_options(const Subject& subject,
                                                                const config::MasterService& service);

// Looks at the patterns of a list one by one, but for its tables, which tables() looks at. `problem` is told what keeps
// others waiting: a file that cannot be read, a network that is none; `error`, what keeps the list from being parsed.
void look_at_patterns(std::string_view text, match::Kind kind, const std::function<void(std::string_view)>& problem,
                      const std::function<void(const Error&)>& error);

// The parameter that a text "parameter: what is wrong" is about; empty: none.
std::string parameter_in_front(std::string_view text);

// "smtp/inet"
std::string key_of(const config::MasterService& service);

// queue_directory does not exist. Nothing makes it on the way: with a slip in its name the mail system would run on an
// empty queue, and the mail in the real one would wait unseen.
std::optional<Finding> missing_queue_directory(const config::Config& config);

// The name of a file system that writes each change to a new place, by its magic number (statfs(2)); empty for others.
std::string_view copy_on_write_file_system(std::uint32_t type);

}  // namespace posthaste::postfix
