// check_files.cc — accounts, directories and programs. Missing directories below queue_directory are made, but never
// itself; what is wrong with existing ones is said, not changed: somebody may have meant it.
#include "command/postfix/checks.h"
#include "param/basics.h"
#include "server/identity.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace posthaste::postfix {

namespace {

enum class Owner : unsigned char { Root, MailOwner };

struct Directory {
    const char* name;  // below queue_directory
    mode_t mode;
    Owner owner;
    bool postdrop_group;  // belongs to setgid_group
};

constexpr std::array queue_directories{
    Directory{"active", 0700, Owner::MailOwner, false},   Directory{"bounce", 0700, Owner::MailOwner, false},
    Directory{"corrupt", 0700, Owner::MailOwner, false},  Directory{"defer", 0700, Owner::MailOwner, false},
    Directory{"deferred", 0700, Owner::MailOwner, false}, Directory{"flush", 0700, Owner::MailOwner, false},
    Directory{"hold", 0700, Owner::MailOwner, false},     Directory{"incoming", 0700, Owner::MailOwner, false},
    Directory{"journal", 0700, Owner::MailOwner, false},  Directory{"private", 0700, Owner::MailOwner, false},
    Directory{"saved", 0700, Owner::MailOwner, false},    Directory{"tlstrace", 0700, Owner::MailOwner, false},
    Directory{"trace", 0700, Owner::MailOwner, false},    Directory{"maildrop", 0730, Owner::MailOwner, true},
    Directory{"public", 0710, Owner::MailOwner, true},    Directory{"pid", 0755, Owner::Root, false},
};

// The programs that declare/commands.toml installs with setgid_group, by which users reach maildrop/ and public/.
struct SetGidCommand {
    const char* name;
    const char* loss;  // without the group
};

constexpr std::array set_gid_commands{
    SetGidCommand{.name = "postdrop", .loss = "users cannot send mail"},
    SetGidCommand{.name = "postqueue", .loss = "users cannot list the queue"},
    SetGidCommand{.name = "postlog", .loss = "users cannot write to the mail log"},
};

// Makes and looks at directories for the accounts that are to have them.
class DirectoryCheck {
public:
    DirectoryCheck(const Subject& subject, server::Identity owner, std::optional<gid_t> postdrop, Findings& findings)
        : subject_(subject), owner_(std::move(owner)), postdrop_(postdrop), findings_(findings)
    {
    }

    void run()
    {
        const std::string& queue = subject_.config.get(param::queue_directory);  // it exists
        make(queue, 0755, subject_.is_root ? 0 : owner_.uid, std::nullopt);
        for (const Directory& directory : queue_directories) {
            std::optional<gid_t> group;
            if (directory.postdrop_group && subject_.is_root)
                group = postdrop_;
            uid_t owner = directory.owner == Owner::Root && subject_.is_root ? 0 : owner_.uid;
            make(queue + "/" + directory.name, directory.mode, owner, group);
        }
        make(subject_.config.get(param::data_directory), 0700, owner_.uid, std::nullopt);
        check_file_system(queue);
    }

private:
    void add(Severity severity, std::string text, std::string remedy = {})
    {
        findings_.push_back({.severity = severity, .text = std::move(text), .remedy = std::move(remedy)});
    }

    // The journal relies on it that what was written once can be overwritten on a full disk.
    void check_file_system(const std::string& queue)
    {
        struct statfs found{};
        if (::statfs(queue.c_str(), &found) != 0)
            return;
        if (std::string_view name = copy_on_write_file_system(static_cast<std::uint32_t>(found.f_type)); !name.empty())
            add(Severity::Warning,
                fmt::format(
                    "queue_directory {} is on {}, which writes each change to a new place: when it is full, even "
                    "delivered mail cannot be marked and may be delivered again",
                    queue, name),
                "keep queue_minfree above 0, or use ext4 or xfs");
    }

    void make(const std::string& path, mode_t mode, uid_t owner, std::optional<gid_t> group)
    {
        if (::mkdir(path.c_str(), mode) == 0) {
            gid_t new_group = group.value_or(subject_.is_root && owner != 0 ? owner_.gid : static_cast<gid_t>(-1));
            if (::chmod(path.c_str(), mode) != 0 || (subject_.is_root && ::chown(path.c_str(), owner, new_group) != 0))
                add(Severity::Fatal, fmt::format("cannot set owner and mode of {}: {}", path, std::strerror(errno)));
            return;
        }
        if (errno != EEXIST) {
            add(Severity::Fatal, fmt::format("cannot make the directory {}: {}", path, std::strerror(errno)));
            return;
        }
        struct stat found{};
        if (::stat(path.c_str(), &found) != 0)
            add(Severity::Fatal, fmt::format("cannot look at {}: {}", path, std::strerror(errno)));
        else if (!S_ISDIR(found.st_mode))
            add(Severity::Fatal, fmt::format("{} is not a directory", path));
        else
            check_rights(path, found, mode, owner, group);
    }

    void check_rights(const std::string& path, const struct stat& found, mode_t mode, uid_t owner,
                      std::optional<gid_t> group)
    {
        if (found.st_uid != owner) {
            std::string name = owner == 0 ? "root" : owner_.user;
            // In a directory of somebody else the daemons cannot work; a foreign queue directory itself is a risk only.
            const bool unusable = owner == owner_.uid && found.st_uid != owner_.uid;
            add(unusable ? Severity::Fatal : Severity::Warning, fmt::format("not owned by {}: {}", name, path),
                fmt::format("correct it with: chown {} {}",
                            !unusable || subject_.is_root ? name : std::to_string(owner), path));
        }
        const std::string& group_name = subject_.config.get(param::setgid_group);
        if (group && found.st_gid != *group)
            add(Severity::Warning, fmt::format("not owned by group {}: {}", group_name, path),
                fmt::format("correct it with: chgrp {} {}", group_name, path));
        if ((found.st_mode & 022 & ~mode) != 0)
            add(Severity::Warning, fmt::format("group or other writable: {}", path),
                fmt::format("correct it with: chmod {:o} {}", mode, path));
    }

    const Subject& subject_;
    server::Identity owner_;
    std::optional<gid_t> postdrop_;
    Findings& findings_;
};

}  // namespace

std::string_view copy_on_write_file_system(std::uint32_t type)
{
    switch (type) {
    case 0x9123683E: return "btrfs";
    case 0x2FC12FC1: return "zfs";
    case 0xCA451A4E: return "bcachefs";
    default: return {};
    }
}

std::optional<Finding> missing_queue_directory(const config::Config& config)
{
    const std::string& queue = config.get(param::queue_directory);
    struct stat found{};
    const int error = ::stat(queue.c_str(), &found) == 0 ? 0 : errno;
    if (error != ENOENT && error != ENOTDIR)
        return std::nullopt;
    return Finding{.severity = Severity::Fatal,
                   .place = place_of(config, "queue_directory"),
                   .parameter = "queue_directory",
                   .text = fmt::format("queue_directory {}: {}", queue, std::strerror(error)),
                   .remedy = "correct its name, or make it with: mkdir -p -m 755 " + queue};
}

namespace checks {

// Only root can give files to other accounts; otherwise everything runs as the caller.
void accounts(const Subject& subject, Findings& findings)
{
    if (!subject.is_root)
        return;
    const auto add = [&](const char* parameter, std::string text, std::string remedy) {
        findings.push_back({.severity = Severity::Fatal,
                            .place = place_of(subject.config, parameter),
                            .parameter = parameter,
                            .text = std::move(text),
                            .remedy = std::move(remedy)});
    };
    const std::string& name = subject.config.get(param::mail_owner);
    const auto owner = server::find_user(name);
    if (!owner)
        add("mail_owner", owner.error().text(), "make the account with: useradd --system --no-create-home " + name);
    const std::string& group = subject.config.get(param::setgid_group);
    const auto gid = server::find_group(group);
    if (!gid)
        add("setgid_group", gid.error().text(), "make the group with: groupadd --system " + group);
    constexpr const char* another = "name an account that nothing else uses";
    if (owner && owner->uid == 0)
        add("mail_owner", fmt::format("mail_owner: user {} has privileged user ID", name), another);
    if (gid && *gid == 0)
        add("setgid_group", fmt::format("setgid_group: group {} has privileged group ID", group), another);
    if (owner && gid && owner->gid == *gid)
        add("setgid_group",
            fmt::format("setgid_group: user {} of mail_owner and group {} have the same group ID: {}", name, group,
                        *gid),
            another);
    const std::string& unprivileged = subject.config.get(param::default_privs);
    if (const auto account = server::find_user(unprivileged)) {
        const std::string rights = server::MailSystemRights::of(subject.config).held_by(*account);
        if (!rights.empty())
            add("default_privs", fmt::format("default_privs: {} has the rights of {}", unprivileged, rights), another);
    }
}

void directories(const Subject& subject, Findings& findings)
{
    if (auto missing = missing_queue_directory(subject.config)) {
        findings.push_back(std::move(*missing));
        return;
    }
    server::Identity owner{"you", ::geteuid(), ::getegid()};
    std::optional<gid_t> postdrop;
    if (subject.is_root) {
        auto account = server::find_user(subject.config.get(param::mail_owner));
        auto group = server::find_group(subject.config.get(param::setgid_group));
        if (!account || !group)
            return;  // accounts() has said so
        owner = *account;
        postdrop = *group;
    }
    DirectoryCheck(subject, std::move(owner), postdrop, findings).run();
}

void programs(const Subject& subject, Findings& findings)
{
    const std::string& directory = subject.config.get(param::daemon_directory);
    for (const config::MasterService& service : subject.master_cf.services) {
        const std::string path = directory + "/" + service.command;
        if (::access(path.c_str(), X_OK) != 0)
            findings.push_back({.severity = Severity::Warning,
                                .place = service.place,
                                .service = key_of(service),
                                .text = fmt::format("{}: {}", path, std::strerror(errno)),
                                .remedy = "correct the command, or make the line a comment"});
    }
    const std::string master = directory + "/master";
    if (::access(master.c_str(), X_OK) != 0)
        findings.push_back({.severity = Severity::Fatal,
                            .place = place_of(subject.config, "daemon_directory"),
                            .parameter = "daemon_directory",
                            .text = fmt::format("{}: {}", master, std::strerror(errno))});
}

void set_gid_programs(const Subject& subject, Findings& findings)
{
    const std::string& group_name = subject.config.get(param::setgid_group);
    auto group = server::find_group(group_name);
    if (!subject.is_root || !group)
        return;
    for (const SetGidCommand& command : set_gid_commands) {
        const std::string path = fmt::format("{}/{}", subject.config.get(param::command_directory), command.name);
        struct stat found{};
        if (::stat(path.c_str(), &found) != 0 || (found.st_gid == *group && (found.st_mode & S_ISGID) != 0))
            continue;
        findings.push_back(
            {.severity = Severity::Warning,
             .parameter = "setgid_group",
             .text = fmt::format("{} does not run with the group {}: {}", path, group_name, command.loss),
             .remedy = fmt::format("correct it with: chgrp {0} {1} && chmod 2755 {1}", group_name, path)});
    }
}

}  // namespace checks
}  // namespace posthaste::postfix
