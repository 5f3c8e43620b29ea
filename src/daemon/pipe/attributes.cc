// attributes.cc — see attributes.h.
#include "daemon/pipe/attributes.h"

#include "base/text.h"

namespace posthaste::pipe_agent {

namespace {

Result<void> set_flags(Flags& flags, std::string_view letters)
{
    for (char letter : letters) {
        switch (letter) {
        case 'B': flags.blank_line = true; break;
        case 'D': flags.delivered_to = true; break;
        case 'F': flags.from_line = true; break;
        case 'O': flags.original_to = true; break;
        case 'R': flags.return_path = true; break;
        case 'X': flags.final_delivery = true; break;
        case 'h': flags.fold_domain = true; break;
        case 'q': flags.quote = true; break;
        case 'u': flags.fold_user = true; break;
        case '.': flags.dot_stuff = true; break;
        case '>': flags.quote_from = true; break;
        default: return fail(ErrorKind::Invalid, std::string("unknown flag in flags=: ") + letter);
        }
    }
    return {};
}

// C-like escapes of eol= and null_sender=: \r \n \t \\ and octal numbers.
std::string unescape(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        char next = text[++i];
        switch (next) {
        case 'r': out += '\r'; break;
        case 'n': out += '\n'; break;
        case 't': out += '\t'; break;
        case 'b': out += '\b'; break;
        case 'f': out += '\f'; break;
        case 'v': out += '\v'; break;
        case 'a': out += '\a'; break;
        default:
            if (auto octal = parse_number<unsigned>(text.substr(i, 3), 8); octal && *octal < 256) {
                out += static_cast<char>(*octal);
                i += 2;
            } else {
                out += next;
            }
        }
    }
    return out;
}

Result<void> set_attribute(Attributes& attributes, std::string_view name, std::string value)
{
    if (name == "flags")
        return set_flags(attributes.flags, value);
    if (name == "user") {
        std::size_t colon = value.find(':');
        attributes.user = value.substr(0, colon);
        attributes.group = colon == std::string::npos ? std::string() : value.substr(colon + 1);
    } else if (name == "directory") {
        attributes.directory = std::move(value);
    } else if (name == "eol") {
        attributes.line_end = unescape(value);
    } else if (name == "null_sender") {
        attributes.null_sender = unescape(value);
    } else if (name == "size") {
        auto limit = parse_number<std::uint64_t>(value);
        if (!limit)
            return fail(ErrorKind::Invalid, "size=" + value + ": a number of bytes expected");
        attributes.size_limit = *limit;
    } else if (name == "chroot") {
        return fail(ErrorKind::Unsupported, "chroot= is planned, not built yet");
    } else {
        return fail(ErrorKind::Invalid, "unknown attribute: " + std::string(name) + "=" + value);
    }
    return {};
}

}  // namespace

Result<Attributes> parse_attributes(const std::vector<std::string>& words)
{
    Attributes attributes;
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::size_t equals = words[i].find('=');
        if (equals == std::string::npos)
            return fail(ErrorKind::Invalid, "attribute=value expected, not \"" + words[i] + "\"");
        std::string name = words[i].substr(0, equals);
        if (name == "argv") {
            attributes.argv.push_back(words[i].substr(equals + 1));
            attributes.argv.insert(attributes.argv.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                   words.end());
            break;
        }
        TRY(set_attribute(attributes, name, words[i].substr(equals + 1)));
    }
    if (attributes.user.empty())
        return fail(ErrorKind::Invalid, "missing user= command-line attribute");
    if (attributes.argv.empty() || attributes.argv[0].empty())
        return fail(ErrorKind::Invalid, "missing argv= command-line attribute");
    return attributes;
}

namespace {

// One argument with its macros replaced; `used` says whether a per-recipient one was among them.
Result<std::string> expand_argument(std::string_view argument, const MacroValues& values, std::size_t recipient,
                                    bool& used)
{
    std::string out;
    while (!argument.empty()) {
        std::size_t dollar = argument.find('$');
        out.append(argument.substr(0, dollar));
        if (dollar == std::string_view::npos)
            break;
        argument.remove_prefix(dollar + 1);
        if (argument.starts_with('$')) {
            out += '$';
            argument.remove_prefix(1);
            continue;
        }
        std::string_view name;
        if (argument.starts_with('{') || argument.starts_with('(')) {
            std::size_t end = argument.find(argument.front() == '{' ? '}' : ')');
            if (end == std::string_view::npos)
                return fail(ErrorKind::Invalid, "macro without end: $" + std::string(argument));
            name = argument.substr(1, end - 1);
            argument.remove_prefix(end + 1);
        } else {
            std::size_t end = 0;
            while (end < argument.size() && (is_ascii_alnum(argument[end]) || argument[end] == '_'))
                ++end;
            name = argument.substr(0, end);
            argument.remove_prefix(end);
        }
        if (auto value = values.per_recipient(name, recipient)) {
            used = true;
            out += *value;
        } else if (auto single = values.single(name)) {
            out += *single;
        } else {
            return fail(ErrorKind::Invalid, "unknown macro in argv: $" + std::string(name));
        }
    }
    return out;
}

}  // namespace

Result<std::vector<std::string>> expand_argv(const std::vector<std::string>& argv, const MacroValues& values)
{
    std::vector<std::string> out;
    for (const std::string& argument : argv) {
        bool per_recipient = false;
        TRY(std::string first, expand_argument(argument, values, 0, per_recipient));
        out.push_back(std::move(first));
        for (std::size_t i = 1; per_recipient && i < values.recipients; ++i) {
            TRY(std::string next, expand_argument(argument, values, i, per_recipient));
            out.push_back(std::move(next));
        }
    }
    return out;
}

}  // namespace posthaste::pipe_agent
