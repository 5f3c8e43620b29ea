// A pass over the physical lines: those that belong to a logical line that is edited are replaced, removed or commented
// out, all others are copied.
#include "config/edit.h"

#include "base/fd.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace posthaste::config {
namespace {

// The key of a logical line, from its first physical line.
std::string key_of(std::string_view line, Syntax syntax)
{
    if (syntax == Syntax::MainCf)
        return std::string(trim(line.substr(0, line.find('='))));
    const std::vector<std::string_view> fields = split(line, " \t\r\v\f");
    return fields.size() < 2 ? std::string() : fmt::format("{}/{}", fields[0], fields[1]);
}

// Removes a line end, if there is one, and returns the line.
std::string_view take_line(std::string_view& content)
{
    const std::size_t end = content.find('\n');
    const std::string_view line = content.substr(0, end);
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    return line;
}

// The file system path behind symbolic links, so that replacing the file does not replace the link.
Result<std::string> resolved(const std::string& path)
{
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), std::free);
    if (!real)
        return fail_errno(fmt::format("open {}", path));
    return std::string(real.get());
}

}  // namespace

Edit set_parameter(std::string name, std::string_view value)
{
    std::string text = fmt::format("{} = {}", name, value);
    return {Edit::Action::Set, std::move(name), std::move(text)};
}

std::string edited(std::string_view content, Syntax syntax, const std::vector<Edit>& edits)
{
    std::string result;
    std::vector<bool> found(edits.size(), false);
    const Edit* current = nullptr;  // the edit of the logical line that we are in
    while (!content.empty()) {
        const std::string_view line = take_line(content);
        const std::string_view visible = trim(line);
        if (visible.empty() || visible.front() == '#') {
            result += fmt::format("{}\n", line);
            continue;
        }
        const bool begins = !is_ascii_space(line.front());
        if (begins) {
            const auto it = std::ranges::find(edits, key_of(line, syntax), &Edit::key);
            current = it == edits.end() ? nullptr : &*it;
            if (current != nullptr)
                found[static_cast<std::size_t>(it - edits.begin())] = true;
        }
        if (current == nullptr)
            result += fmt::format("{}\n", line);
        else if (current->action == Edit::Action::CommentOut)
            result += fmt::format("#{}\n", line);
        else if (current->action == Edit::Action::Set && begins)
            result += current->text + "\n";
    }
    for (std::size_t i = 0; i < edits.size(); ++i) {
        if (!found[i] && edits[i].action == Edit::Action::Set)
            result += edits[i].text + "\n";
    }
    return result;
}

Result<void> edit_file(const std::string& path, Syntax syntax, const std::vector<Edit>& edits)
{
    TRY(std::string target, resolved(path));
    const std::string directory = target.substr(0, target.rfind('/') + 1);
    TRY(UniqueFd lock, open_file(directory, O_RDONLY | O_DIRECTORY));
    if (::flock(lock.get(), LOCK_EX) != 0)
        return fail_errno(fmt::format("lock {}", directory));
    struct stat before{};
    if (::stat(target.c_str(), &before) != 0)
        return fail_errno(fmt::format("stat {}", target));
    TRY(std::string content, read_file(target));
    TRY(replace_file(target, edited(content, syntax, edits), before.st_mode & 07777));
    if (before.st_uid != ::geteuid() && ::chown(target.c_str(), before.st_uid, before.st_gid) != 0)
        return fail_errno(fmt::format("chown {}", target));
    return {};
}

}  // namespace posthaste::config
