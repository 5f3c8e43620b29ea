// check.cc — see check.h.
#include "command/postfix/check.h"

#include "base/text.h"
#include "config/check_names.h"
#include "config/master_cf.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/log.h"
#include "server/identity.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
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

constexpr std::array directories{
    Directory{"active", 0700, Owner::MailOwner, false},   Directory{"bounce", 0700, Owner::MailOwner, false},
    Directory{"corrupt", 0700, Owner::MailOwner, false},  Directory{"defer", 0700, Owner::MailOwner, false},
    Directory{"deferred", 0700, Owner::MailOwner, false}, Directory{"flush", 0700, Owner::MailOwner, false},
    Directory{"hold", 0700, Owner::MailOwner, false},     Directory{"incoming", 0700, Owner::MailOwner, false},
    Directory{"journal", 0700, Owner::MailOwner, false},  Directory{"private", 0700, Owner::MailOwner, false},
    Directory{"saved", 0700, Owner::MailOwner, false},    Directory{"tlstrace", 0700, Owner::MailOwner, false},
    Directory{"trace", 0700, Owner::MailOwner, false},    Directory{"maildrop", 0730, Owner::MailOwner, true},
    Directory{"public", 0710, Owner::MailOwner, true},    Directory{"pid", 0755, Owner::Root, false},
};

class Checker {
public:
    explicit Checker(const Instance& instance) : config_(*instance.config), root_(::geteuid() == 0) {}

    bool run()
    {
        check_main_cf();
        check_accounts();
        if (good_)
            check_directories();
        check_master_cf();
        check_log_file();
        return good_;
    }

private:
    template<class... T>
    void problem(fmt::format_string<T...> format, T&&... arguments)
    {
        good_ = false;
        log::error(format, std::forward<T>(arguments)...);
    }

    void check_main_cf()
    {
        for (const config::Notice& notice : config_.notices())
            log::warning("{}: {}", notice.place.text(), notice.text);
        for (const config::Notice& notice : config_.problems())
            problem("{}: {}", notice.place.text(), notice.text);
    }

    // Only root can give files to other accounts; otherwise everything runs as the caller.
    void check_accounts()
    {
        if (!root_) {
            owner_ = server::Identity{"you", ::geteuid(), ::getegid()};
            return;
        }
        const std::string& name = config_.get(param::mail_owner);
        if (auto owner = server::find_user(name))
            owner_ = *owner;
        else
            problem("mail_owner: {}; make the account with: useradd --system --no-create-home {}", owner.error().text(),
                    name);
        const std::string& group = config_.get(param::setgid_group);
        if (auto gid = server::find_group(group))
            postdrop_ = *gid;
        else
            problem("setgid_group: {}; make the group with: groupadd --system {}", gid.error().text(), group);
    }

    void check_directories()
    {
        const std::string& queue = config_.get(param::queue_directory);
        make_directory(queue, 0755, root_ ? 0 : owner_.uid, std::nullopt);
        for (const Directory& directory : directories) {
            std::optional<gid_t> group;
            if (directory.postdrop_group && root_)
                group = postdrop_;
            uid_t owner = directory.owner == Owner::Root && root_ ? 0 : owner_.uid;
            make_directory(queue + "/" + directory.name, directory.mode, owner, group);
        }
        make_directory(config_.get(param::data_directory), 0700, owner_.uid, std::nullopt);
        check_file_system(queue);
    }

    // The journal relies on it that what was written once can be overwritten on a full disk.
    void check_file_system(const std::string& queue)
    {
        struct statfs found{};
        if (::statfs(queue.c_str(), &found) != 0)
            return;
        if (std::string_view name = copy_on_write_file_system(static_cast<std::uint32_t>(found.f_type)); !name.empty())
            log::warning("queue_directory {} is on {}, which writes each change to a new place: when it is full, even "
                         "delivered mail cannot be marked and may be delivered again; keep queue_minfree above 0, or "
                         "use ext4 or xfs",
                         queue, name);
    }

    void make_directory(const std::string& path, mode_t mode, uid_t owner, std::optional<gid_t> group)
    {
        if (::mkdir(path.c_str(), mode) == 0) {
            gid_t new_group = group.value_or(root_ && owner != 0 ? owner_.gid : static_cast<gid_t>(-1));
            if (::chmod(path.c_str(), mode) != 0 || (root_ && ::chown(path.c_str(), owner, new_group) != 0))
                problem("cannot set owner and mode of {}: {}", path, std::strerror(errno));
            return;
        }
        if (errno != EEXIST) {
            problem("cannot make the directory {}: {}", path, std::strerror(errno));
            return;
        }
        struct stat found{};
        if (::stat(path.c_str(), &found) != 0)
            problem("cannot look at {}: {}", path, std::strerror(errno));
        else if (!S_ISDIR(found.st_mode))
            problem("{} is not a directory", path);
        else
            check_rights(path, found, mode, owner, group);
    }

    void check_rights(const std::string& path, const struct stat& found, mode_t mode, uid_t owner,
                      std::optional<gid_t> group)
    {
        if (found.st_uid != owner) {
            std::string name = owner == 0 ? "root" : owner_.user;
            // In a directory of somebody else the daemons cannot work; a foreign queue directory itself is a risk only.
            if (owner == owner_.uid && found.st_uid != owner_.uid)
                problem("not owned by {}: {}; correct it with: chown {} {}", name, path,
                        root_ ? name : std::to_string(owner), path);
            else
                log::warning("not owned by {}: {}; correct it with: chown {} {}", name, path, name, path);
        }
        if (group && found.st_gid != *group)
            log::warning("not owned by group {}: {}; correct it with: chgrp {} {}", config_.get(param::setgid_group),
                         path, config_.get(param::setgid_group), path);
        if ((found.st_mode & 022 & ~mode) != 0)
            log::warning("group or other writable: {}; correct it with: chmod {:o} {}", path, mode, path);
    }

    void check_master_cf()
    {
        auto master_cf = config::load_master_cf(config_.directory());
        if (!master_cf) {
            problem("{}", master_cf.error().text());
            return;
        }
        for (const config::Notice& notice : master_cf->notices)
            log::warning("{}: {}", notice.place.text(), notice.text);
        check_names(master_cf->services);
        for (const config::MasterService& service : master_cf->services) {
            check_overrides(service);
            std::string path = config_.get(param::daemon_directory) + "/" + service.command;
            if (::access(path.c_str(), X_OK) != 0)
                log::warning("{}: service {}: {}: {}", service.place.text(), service.name, path, std::strerror(errno));
        }
        std::string master = config_.get(param::daemon_directory) + "/master";
        if (::access(master.c_str(), X_OK) != 0)
            problem("daemon_directory: {}: {}", master, std::strerror(errno));
    }

    // Settings that nobody reads, and defaults that are those of an older version.
    void check_names(const std::vector<config::MasterService>& services)
    {
        for (const config::NameProblem& unread : config::NameCheck(config_, services).problems()) {
            if (unread.name_class == config::NameClass::Refused)
                problem("{}: {}", unread.setting.place.text(), unread.text);
            else
                log::warning("{}: {}", unread.setting.place.text(), unread.text);
        }
        for (const config::LegacyDefault& legacy : config::legacy_defaults(config_))
            log::info("{}", legacy.text());
    }

    // A service whose -o options hold a bad value cannot start.
    void check_overrides(const config::MasterService& service)
    {
        if (service.overrides.empty() || !config_.problems().empty())
            return;
        auto loaded = config::load({.config_directory = config_.directory(),
                                    .overrides = service.overrides,
                                    .process_name = service.command,
                                    .service_name = service.name});
        if (!loaded)
            problem("{}: service {}: {}", service.place.text(), service.name, loaded.error().text());
    }

    void check_log_file()
    {
        const std::string& file = config_.get(param::maillog_file);
        const std::string& prefixes = config_.get(param::maillog_file_prefixes);
        if (file.empty())
            return;
        auto words = split(prefixes, ", \t\r\n");
        bool allowed = std::ranges::any_of(words, [&](std::string_view prefix) {
            return file == prefix ||
                   (file.starts_with(prefix) && (prefix.ends_with('/') || file[prefix.size()] == '/'));
        });
        if (!allowed)
            problem("maillog_file {} begins with none of maillog_file_prefixes: {}", file, prefixes);
    }

    const config::Config& config_;
    bool root_;
    bool good_ = true;
    server::Identity owner_;
    std::optional<gid_t> postdrop_;
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

bool check(const Instance& instance) { return Checker(instance).run(); }

}  // namespace posthaste::postfix
