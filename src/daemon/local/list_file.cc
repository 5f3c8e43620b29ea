// list_file.cc — see list_file.h.
#include "daemon/local/list_file.h"

#include "base/fd.h"
#include "base/text.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fmt/format.h>
#include <sys/stat.h>

namespace posthaste::local {

namespace {

constexpr std::size_t largest = std::size_t{1} << 20;
constexpr std::chrono::seconds time_limit{60};

std::string why_not_trusted(const struct stat& status, uid_t user)
{
    if (!S_ISREG(status.st_mode))
        return "is not a regular file";
    if (status.st_uid != 0 && status.st_uid != user)
        return fmt::format("has bad owner uid {}", status.st_uid);
    return (status.st_mode & S_IWOTH) != 0 ? "is world writable" : "";
}

// In the child. The outcome's text is a line "device:inode owner", then the content.
dsn::Outcome read_as_outcome(const std::string& path, ListFileKind kind, uid_t user)
{
    struct stat status{};
    const bool found =
        (kind == ListFileKind::Forward ? ::lstat(path.c_str(), &status) : ::stat(path.c_str(), &status)) == 0;
    if (!found)
        return dsn::Outcome::deferred({4, 3, 0}, Error::system(errno, "stat " + path).text());
    if (kind == ListFileKind::Forward)
        if (std::string why = why_not_trusted(status, user); !why.empty())
            return dsn::Outcome::bounced({5, 7, 0}, "file " + path + " " + why);
    auto content = read_file(path, largest);
    if (!content)
        return dsn::Outcome::deferred({4, 3, 0}, content.error().text());
    std::ranges::replace(*content, '\0', '\x7f');  // an outcome's text ends at a null byte
    return dsn::Outcome::delivered({2, 0, 0},
                                   fmt::format("{}:{} {}\n", status.st_dev, status.st_ino, status.st_uid) + *content);
}

}  // namespace

std::string list_of_lines(std::string_view text)
{
    std::string list;
    for (std::string_view line : split(text, "\n"))
        if (!trim(line).empty() && !trim(line).starts_with('#'))
            list.append(list.empty() ? "" : ", ").append(trim(line));
    return list;
}

Task<std::expected<ListFile, dsn::Outcome>> read_list_file(mailbox::Account account, std::string path,
                                                           ListFileKind kind)
{
    dsn::Outcome read = co_await mailbox::run_as(
        account, time_limit, [path, kind, user = account.uid] { return read_as_outcome(path, kind, user); });
    if (read.action != dsn::Action::Delivered)
        co_return std::unexpected(std::move(read));
    const std::string_view text = read.text;
    const std::size_t line_end = text.find('\n');
    const std::size_t space = text.find(' ');
    auto owner = parse_number<uid_t>(text.substr(0, line_end).substr(std::min(space + 1, line_end)));
    if (!owner)
        co_return std::unexpected(dsn::Outcome::deferred({4, 3, 0}, "no report about " + path));
    co_return ListFile{.identity = std::string(text.substr(0, space)),
                       .owner = *owner,
                       .destinations = list_of_lines(text.substr(line_end + 1))};
}

}  // namespace posthaste::local
