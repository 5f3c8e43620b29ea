// Parsing and printing of master.cf lines.
#include "config/master_cf.h"

#include "base/fd.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>

namespace posthaste::config {
namespace {

constexpr std::size_t field_count = 8;
constexpr std::size_t line_width = 80;
constexpr std::string_view indent = "    ";

constexpr std::array<std::string_view, 5> type_names{"inet", "unix", "unix-dgram", "pass", "fifo"};
constexpr std::array<std::size_t, field_count> columns{0, 11, 17, 25, 33, 41, 49, 57};

// The next word; white space inside of braces does not end it. Empty at the end of the text.
Result<std::string_view> take_word(std::string_view& text)
{
    while (!text.empty() && is_ascii_space(text.front()))
        text.remove_prefix(1);
    std::size_t depth = 0;
    std::size_t length = 0;
    bool has_space = false;
    bool has_stray_brace = false;
    for (; length < text.size(); ++length) {
        const char c = text[length];
        if (depth == 0 && is_ascii_space(c))
            break;
        has_space = has_space || is_ascii_space(c);
        has_stray_brace = has_stray_brace || (c == '}' && depth == 0);
        if (c == '{')
            ++depth;
        else if (c == '}' && depth > 0)
            --depth;
    }
    const std::string_view word = text.substr(0, length);
    if (depth > 0)
        return fail(ErrorKind::Invalid, fmt::format("missing '}}' in \"{}\"", printable(word)));
    if (has_space && has_stray_brace)  // no braces around it could hold such a word together
        return fail(ErrorKind::Invalid, fmt::format("missing '{{' in \"{}\"", printable(word)));
    text.remove_prefix(length);
    return word;
}

// The inside of a word that is a group, the word itself if it is none.
Result<std::string> without_braces(std::string_view word)
{
    if (!word.starts_with('{'))
        return std::string(word);
    std::size_t depth = 0;
    for (std::size_t i = 0; i < word.size(); ++i) {
        depth += word[i] == '{' ? 1U : 0U;
        depth -= word[i] == '}' ? 1U : 0U;
        if (depth == 0 && i + 1 < word.size())
            return fail(ErrorKind::Invalid, fmt::format("syntax error after '}}' in \"{}\"", printable(word)));
    }
    return std::string(trim(word.substr(1, word.size() - 2)));
}

std::unexpected<Error> invalid_field(std::string_view field, std::string_view value, std::string_view expected)
{
    return fail(ErrorKind::Invalid,
                fmt::format("invalid {} field \"{}\": {} expected", field, printable(value), expected));
}

Result<std::optional<bool>> parse_flag(std::string_view field, std::string_view value)
{
    if (value == "-")
        return std::nullopt;
    if (value == "y" || value == "n")
        return value == "y";
    return invalid_field(field, value, "y, n or -");
}

Result<std::optional<int>> parse_count(std::string_view field, std::string_view value, std::string_view expected)
{
    if (value == "-")
        return std::nullopt;
    const auto number = parse_number<int>(value);
    if (!number || *number < 0)
        return invalid_field(field, value, expected);
    return *number;
}

Result<ServiceType> parse_type(std::string_view value)
{
    const auto* const it = std::ranges::find(type_names, value);
    if (it == type_names.end())
        return invalid_field("type", value, "inet, unix, unix-dgram, pass or fifo");
    return static_cast<ServiceType>(it - type_names.begin());
}

// Options end at "--" and at the first word that is none: what follows argv= belongs to another program.
bool is_option(std::string_view argument)
{
    return argument.size() > 1 && argument.starts_with('-') && argument != "--";
}

Result<void> take_override(MasterService& service, std::string_view argument)
{
    TRY(Setting setting, parse_setting(argument));
    service.arguments.push_back(fmt::format("{}={}", setting.name, setting.value));
    service.overrides.emplace_back(std::move(setting.name), std::move(setting.value));
    return {};
}

Result<void> take_arguments(MasterService& service, std::string_view text)
{
    bool options = true;
    while (true) {
        TRY(std::string_view word, take_word(text));
        if (word.empty())
            return {};
        TRY(std::string argument, without_braces(word));
        options = options && is_option(argument);
        const std::size_t override_at = options ? argument.find_first_not_of("vD", 1) : std::string::npos;
        if (override_at == std::string::npos || argument[override_at] != 'o') {
            service.arguments.push_back(std::move(argument));
            continue;
        }
        if (override_at > 1) {  // -vo is -v -o
            service.arguments.push_back(argument.substr(0, override_at));
            argument.erase(1, override_at - 1);
        }
        service.arguments.emplace_back("-o");
        if (argument.size() > 2) {
            TRY(take_override(service, std::string_view(argument).substr(2)));
            continue;
        }
        TRY(std::string_view value, take_word(text));
        if (value.empty())
            return fail(ErrorKind::Invalid, "name=value expected after -o");
        TRY(std::string setting, without_braces(value));
        TRY(take_override(service, setting));
    }
}

std::string_view flag_text(std::optional<bool> flag)
{
    if (!flag)
        return "-";
    return *flag ? "y" : "n";
}

std::string count_text(std::optional<int> count) { return count ? std::to_string(*count) : "-"; }

std::string argument_text(const std::string& argument)
{
    const bool needs_group =
        argument.empty() || argument.starts_with('{') || argument.find_first_of(" \t\r\n\v\f") != std::string::npos;
    return needs_group ? fmt::format("{{{}}}", argument) : argument;
}

// All fields but the command, and the space in front of it.
std::string fields_text(const MasterService& service)
{
    const std::array<std::string, field_count> fields{
        service.name,
        std::string(name(service.type)),
        std::string(flag_text(service.is_private)),
        std::string(flag_text(service.unprivileged)),
        std::string(flag_text(service.chroot)),
        count_text(service.wakeup) + (service.wakeup_after_first_use ? "?" : ""),
        count_text(service.process_limit),
        "",
    };
    std::string line = fields.front();
    for (std::size_t i = 1; i < field_count; ++i) {
        line.append(std::max<std::size_t>(columns[i], line.size() + 1) - line.size(), ' ');
        line += fields[i];
    }
    return line;
}

}  // namespace

std::string_view name(ServiceType type) { return type_names[static_cast<std::size_t>(type)]; }

Result<MasterService> parse_service(std::string_view line)
{
    std::string_view text = line;
    std::array<std::string_view, field_count> fields;
    for (std::size_t i = 0; i < field_count; ++i) {
        TRY(fields[i], take_word(text));
        if (fields[i].empty())
            return fail(ErrorKind::Invalid, "bad field count: expected service name, type, private, unprivileged, "
                                            "chroot, wakeup, process limit and command");
    }
    MasterService service;
    service.name = fields[0];
    TRY(service.type, parse_type(fields[1]));
    TRY(service.is_private, parse_flag("private", fields[2]));
    TRY(service.unprivileged, parse_flag("unprivileged", fields[3]));
    TRY(service.chroot, parse_flag("chroot", fields[4]));
    service.wakeup_after_first_use = fields[5].size() > 1 && fields[5].ends_with('?');
    if (service.wakeup_after_first_use)
        fields[5].remove_suffix(1);
    TRY(service.wakeup, parse_count("wakeup", fields[5], "seconds, seconds? or -"));
    TRY(service.process_limit, parse_count("process_limit", fields[6], "a number or -"));
    service.command = fields[7];
    TRY(take_arguments(service, text));
    return service;
}

MasterCfLines parse_master_cf_lines(std::string_view content, const std::string& file)
{
    LogicalLines logical = split_logical_lines(content, file);
    MasterCfLines lines;
    MasterCf& result = lines.good;
    result.notices = std::move(logical.notices);
    std::map<std::pair<std::string, ServiceType>, std::size_t> known;  // where a service stands in the result
    for (const LogicalLine& line : logical.lines) {
        const Place place{file, line.line};
        Result<MasterService> service = parse_service(line.text);
        if (!service) {
            lines.errors.push_back({place, service.error().text()});
            continue;
        }
        service->place = place;
        const auto [earlier, is_new] =
            known.try_emplace(std::pair(service->name, service->type), result.services.size());
        if (is_new) {
            result.services.push_back(std::move(*service));
            continue;
        }
        MasterService& replaced = result.services[earlier->second];
        result.notices.push_back({place, fmt::format("service {}/{} replaces the one of line {}", service->name,
                                                     name(service->type), replaced.place.line)});
        replaced = std::move(*service);
    }
    return lines;
}

const MasterService* find_service(const std::vector<MasterService>& services, std::string_view name, ServiceType type)
{
    const auto found = std::ranges::find_if(
        services, [&](const MasterService& service) { return service.name == name && service.type == type; });
    return found == services.end() ? nullptr : &*found;
}

bool is_smtp_client(const MasterService& service) { return service.command == "smtp" || service.command == "lmtp"; }

namespace {

Result<MasterCf> whole(MasterCfLines lines)
{
    if (lines.errors.empty())
        return std::move(lines.good);
    const Notice& first = lines.errors.front();
    return fail(ErrorKind::Invalid, fmt::format("{}: {}", first.place.text(), first.text));
}

}  // namespace

Result<MasterCf> parse_master_cf(std::string_view content, const std::string& file)
{
    return whole(parse_master_cf_lines(content, file));
}

Result<MasterCfLines> load_master_cf_lines(const std::string& directory)
{
    const std::string file = directory + "/master.cf";
    TRY(std::string content, read_file(file, max_file_size));
    return parse_master_cf_lines(content, file);
}

Result<MasterCf> load_master_cf(const std::string& directory)
{
    TRY(MasterCfLines lines, load_master_cf_lines(directory));
    return whole(std::move(lines));
}

std::string to_text(const MasterService& service, Layout layout)
{
    std::string text = fields_text(service);
    text += command_text(service, layout, text.size());
    return text;
}

// A line of its own is for each -o option, and for what follows one; the rest is folded where it is too long.
std::string command_text(const MasterService& service, Layout layout, std::size_t column)
{
    std::string text = service.command;
    std::size_t length = column + text.size();
    bool options = true;
    bool after_override = false;
    for (std::size_t i = 0; i < service.arguments.size(); ++i) {
        const std::string& argument = service.arguments[i];
        std::string word = argument_text(argument);
        options = options && is_option(argument);
        const bool is_override = options && argument == "-o";
        if (is_override)
            word += " " + argument_text(service.arguments[++i]);
        const bool new_line = is_override || after_override || length + 1 + word.size() >= line_width;
        after_override = is_override;
        if (layout == Layout::Folded && new_line && !word.starts_with('#')) {  // a line with # first is a comment
            text += fmt::format("\n{}{}", indent, word);
            length = indent.size() + word.size();
        } else {
            text += " " + word;
            length += 1 + word.size();
        }
    }
    return text;
}

}  // namespace posthaste::config
