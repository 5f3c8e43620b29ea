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
    const std::vector<std::string_view> fields = split(line, " \t\r\n\v\f");
    return fields.size() < 2 ? std::string() : fmt::format("{}/{}", fields[0], fields[1]);
}

// Takes the first line off, with its line end if it has one.
std::string_view take_line(std::string_view& content)
{
    const std::size_t end = content.find('\n');
    const std::string_view line = content.substr(0, end == std::string_view::npos ? end : end + 1);
    content.remove_prefix(line.size());
    return line;
}

bool fits(const Edit& edit, std::string_view key, Syntax syntax)
{
    if (syntax == Syntax::MainCf || !edit.key.contains('*'))
        return edit.key == key;
    const auto part_fits = [](std::string_view wanted, std::string_view part) {
        return wanted == "*" || wanted == part;
    };
    const std::string_view wanted = edit.key;
    const std::size_t slash = wanted.rfind('/');
    const std::size_t key_slash = key.rfind('/');
    return slash != std::string_view::npos && key_slash != std::string_view::npos &&
           part_fits(wanted.substr(0, slash), key.substr(0, key_slash)) &&
           part_fits(wanted.substr(slash + 1), key.substr(key_slash + 1));
}

// The file system path behind symbolic links, so that replacing the file does not replace the link.
Result<std::string> resolved(const std::string& path)
{
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), std::free);
    if (!real)
        return fail_errno(fmt::format("open {} for reading", path));
    return std::string(real.get());
}

}  // namespace

Edit set_parameter(std::string name, std::string_view value)
{
    std::string text = fmt::format("{} = {}", name, value);
    return {Edit::Action::Set, std::move(name), std::move(text)};
}

namespace {

struct Edited {
    std::string text;
    std::vector<int> found;  // how often each edit met its line
};

Edited apply(std::string_view content, Syntax syntax, const std::vector<Edit>& edits)
{
    Edited result{.text = {}, .found = std::vector<int>(edits.size(), 0)};
    const Edit* current = nullptr;  // the edit of the logical line that we are in
    std::size_t written_from = 0;   // where its new text begins and ends
    std::size_t written_to = 0;
    while (!content.empty()) {
        const std::string_view line = take_line(content);
        const std::string_view visible = trim(line);
        if (visible.empty() || visible.front() == '#') {
            result.text += line;
            continue;
        }
        const bool begins = !is_ascii_space(line.front());
        if (begins) {
            const std::string key = key_of(line, syntax);
            const auto it = std::ranges::find_if(edits, [&](const Edit& edit) { return fits(edit, key, syntax); });
            current = it == edits.end() ? nullptr : &*it;
            if (current != nullptr)
                ++result.found[static_cast<std::size_t>(it - edits.begin())];
        }
        if (current == nullptr) {
            result.text += line;
        } else if (current->action == Edit::Action::CommentOut) {
            result.text += fmt::format("#{}", line);
        } else if (current->action == Edit::Action::Set && begins) {
            written_from = result.text.size();
            result.text += current->text + "\n";
            written_to = result.text.size();
        } else if (current->action == Edit::Action::Set && current->comments_first) {
            const auto begin = result.text.begin();
            std::rotate(begin + static_cast<std::ptrdiff_t>(written_from),
                        begin + static_cast<std::ptrdiff_t>(written_to), result.text.end());
            written_from += result.text.size() - written_to;
            written_to = result.text.size();
        }
    }
    for (std::size_t i = 0; i < edits.size(); ++i) {
        if (result.found[i] > 0 || edits[i].action != Edit::Action::Set)
            continue;
        if (!result.text.empty() && !result.text.ends_with('\n'))
            result.text += '\n';
        result.text += edits[i].text + "\n";
    }
    return result;
}

}  // namespace

std::string edited(std::string_view content, Syntax syntax, const std::vector<Edit>& edits)
{
    return apply(content, syntax, edits).text;
}

Result<std::vector<std::string>> edit_file(const std::string& path, Syntax syntax, const std::vector<Edit>& edits)
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
    const Edited result = apply(content, syntax, edits);
    TRY(replace_file(target, result.text, before.st_mode & 07777));
    if (before.st_uid != ::geteuid() && ::chown(target.c_str(), before.st_uid, before.st_gid) != 0)
        return fail_errno(fmt::format("chown {}", target));
    std::vector<std::string> repeated;
    for (std::size_t i = 0; i < edits.size(); ++i) {
        if (syntax == Syntax::MainCf && result.found[i] > 1)
            repeated.push_back(edits[i].key);
    }
    return repeated;
}

}  // namespace posthaste::config
