// The syntax of master.cf (master(5)): one service a logical line, eight fields, then arguments.
//
// An argument that begins with { is a group: it may hold white space, and the braces do not belong to it. After -o a
// group may have spaces around its "=". What is no service line is an error with file and line; a service that would
// start without an option that the administrator wrote could be an open relay.
#pragma once

#include "base/result.h"
#include "config/main_cf.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posthaste::config {

enum class ServiceType : std::uint8_t { Inet, Unix, UnixDgram, Pass, Fifo };

std::string_view name(ServiceType type);  // "inet", "unix", "unix-dgram", "pass", "fifo"

struct MasterService {
    std::string name;  // for inet [host:]port, else the name of the socket
    ServiceType type = ServiceType::Unix;
    // A field that is written "-" has no value: its default is private, unprivileged, and no chroot (a chroot below
    // compatibility level 1).
    std::optional<bool> is_private;
    std::optional<bool> unprivileged;
    std::optional<bool> chroot;
    std::optional<int> wakeup;                                   // seconds between wake-ups; 0 or none: never
    bool wakeup_after_first_use = false;                         // written with "?"
    std::optional<int> process_limit;                            // none: default_process_limit; 0: no limit
    std::string command;                                         // the program, below daemon_directory
    std::vector<std::string> arguments;                          // all of them, in order, groups without their braces
    std::vector<std::pair<std::string, std::string>> overrides;  // those that are -o name=value
    Place place;
};

struct MasterCf {
    std::vector<MasterService> services;  // in file order; a repeated name/type replaces the earlier one in its place
    std::vector<Notice> notices;
};

// The line of this name and type; null: there is none.
const MasterService* find_service(const std::vector<MasterService>& services, std::string_view name, ServiceType type);

// smtp(8) or lmtp(8): its nexthops are hosts.
bool is_smtp_client(const MasterService& service);

// Every line of a file: those that are services, and what is wrong with each of the others.
struct MasterCfLines {
    MasterCf good;
    std::vector<Notice> errors;
};

// One logical line.
Result<MasterService> parse_service(std::string_view line);
MasterCfLines parse_master_cf_lines(std::string_view content, const std::string& file);
Result<MasterCf> parse_master_cf(std::string_view content, const std::string& file);
// Reads <directory>/master.cf. NotFound, Denied, Io; Invalid with file, line and what was expected.
Result<MasterCf> load_master_cf(const std::string& directory);
// The same without Invalid: for who looks for mistakes.
Result<MasterCfLines> load_master_cf_lines(const std::string& directory);

enum class Layout : std::uint8_t {
    OneLine,  // postconf -M
    Folded,   // postconf -Mf
};

// The service as postconf prints it, without a line end. Parsing the text gives the same service again.
std::string to_text(const MasterService& service, Layout layout);

// The command with its arguments, as to_text() lays it out behind so many columns.
std::string command_text(const MasterService& service, Layout layout, std::size_t column);

}  // namespace posthaste::config
