// identity.cc — see identity.h.
#include "server/identity.h"

#include "param/basics.h"

#include <cerrno>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>
#include <vector>

namespace posthaste::server {

namespace {
constexpr std::size_t largest_entry = std::size_t{1} << 20;
}

Result<Identity> find_user(const std::string& name)
{
    std::vector<char> buffer(4096);
    for (;;) {
        passwd entry{};
        passwd* found = nullptr;
        int error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
        if (found)
            return Identity{name, entry.pw_uid, entry.pw_gid};
        if (error == ERANGE && buffer.size() < largest_entry) {
            buffer.resize(buffer.size() * 2);
            continue;
        }
        if (error == 0 || error == ENOENT)
            return fail(ErrorKind::NotFound, "unknown user: " + name);
        return fail(ErrorKind::Temporary, Error::system(error, "user database: " + name).text());
    }
}

Result<gid_t> find_group(const std::string& name)
{
    std::vector<char> buffer(4096);
    for (;;) {
        group entry{};
        group* found = nullptr;
        int error = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
        if (found)
            return entry.gr_gid;
        if (error == ERANGE && buffer.size() < largest_entry) {
            buffer.resize(buffer.size() * 2);
            continue;
        }
        if (error == 0 || error == ENOENT)
            return fail(ErrorKind::NotFound, "unknown group: " + name);
        return fail(ErrorKind::Temporary, Error::system(error, "group database: " + name).text());
    }
}

MailSystemRights MailSystemRights::of(const config::Config& config)
{
    MailSystemRights rights;
    if (::geteuid() != 0)
        return rights;
    if (auto owner = find_user(config.get(param::mail_owner)))
        rights.owner_ = std::move(*owner);
    rights.group_name_ = config.get(param::setgid_group);
    if (const auto group = find_group(rights.group_name_))
        rights.group_ = *group;
    return rights;
}

std::string MailSystemRights::held_by(const Identity& account) const
{
    if (account.uid == 0)
        return "root privileges";
    if (owner_ && account.uid == owner_->uid)
        return fmt::format("mail system owner {}", owner_->user);
    if (account.gid == 0 && ::geteuid() == 0)
        return "privileged group id 0";
    if (owner_ && account.gid == owner_->gid)
        return fmt::format("mail system owner {} group id {}", owner_->user, account.gid);
    if (group_ && account.gid == *group_)
        return fmt::format("mail system {} group id {}", group_name_, account.gid);
    return {};
}

Result<void> enter_jail(const std::string& directory)
{
    if (::chroot(directory.c_str()) != 0 || ::chdir("/") != 0)
        return fail_errno("chroot " + directory);
    return {};
}

Result<void> become(const Identity& identity)
{
    if (::setgroups(1, &identity.gid) != 0 || ::setgid(identity.gid) != 0 || ::setuid(identity.uid) != 0)
        return fail_errno("become user " + identity.user);
    if (identity.uid != 0 && ::setuid(0) == 0)
        return fail(ErrorKind::Denied, "user " + identity.user + " can become root again");
    return {};
}

}  // namespace posthaste::server
