// tool_options.cc — the command lines of postmap(1) and postalias(1).
#include "log/log.h"
#include "table/tool.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

std::string usage(Dialect dialect)
{
    return dialect == Dialect::Postmap
               ? "usage: postmap [-bfFhimnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file..."
               : "usage: postalias [-Nfinoprsuvw] [-c config_dir] [-d key] [-q key] [map_type:]file...";
}

class OptionParser {
public:
    OptionParser(Dialect dialect, const std::vector<std::string>& arguments) : arguments_(arguments)
    {
        options_.dialect = dialect;
    }

    Result<ToolOptions> run()
    {
        std::size_t next = 1;
        for (; next < arguments_.size() && is_option(arguments_[next]); ++next) {
            const std::string& word = arguments_[next];
            if (word == "--") {
                ++next;
                break;
            }
            for (std::size_t i = 1; i < word.size(); ++i) {
                if (!takes_value(word[i])) {
                    TRY(flag(word[i]));
                    continue;
                }
                std::string value = word.substr(i + 1);
                if (value.empty() && next + 1 == arguments_.size())
                    return usage_error(fmt::format("option requires an argument -- '{}'", word[i]));
                if (value.empty())
                    value = arguments_[++next];
                TRY(value_option(word[i], std::move(value)));
                break;
            }
        }
        options_.tables.assign(arguments_.begin() + static_cast<std::ptrdiff_t>(next), arguments_.end());
        return check();
    }

private:
    static bool is_option(const std::string& word) { return word.size() > 1 && word.front() == '-'; }
    static bool takes_value(char option) { return option == 'c' || option == 'd' || option == 'q'; }

    std::unexpected<Error> usage_error(std::string_view what) const
    {
        return fail(ErrorKind::Invalid, fmt::format("{}\n{}", what, usage(options_.dialect)));
    }

    Result<void> choose(ToolAction action)
    {
        if (options_.action != ToolAction::Build && options_.action != ToolAction::Update && options_.action != action)
            return fail(ErrorKind::Invalid, "specify only one of -s or -q or -d");
        options_.action = action;
        return {};
    }

    Result<void> value_option(char option, std::string value)
    {
        if (option == 'c') {
            options_.config_directory = std::move(value);
            return {};
        }
        if (!options_.key.empty() || options_.action == ToolAction::List)
            return fail(ErrorKind::Invalid, "specify only one of -s -q or -d");
        TRY(choose(option == 'q' ? ToolAction::Query : ToolAction::Erase));
        options_.key = std::move(value);
        return {};
    }

    Result<void> flag(char option)
    {
        const bool postmap = options_.dialect == Dialect::Postmap;
        switch (option) {
        case 'f': options_.key_case = KeyCase::Keep; return {};
        case 'i':
            if (options_.action == ToolAction::Build)
                options_.action = ToolAction::Update;
            return {};
        case 'j': options_.output = OutputForm::Json; return {};
        case 'n': options_.ending = KeyEnding::None; return {};
        case 'N': options_.ending = KeyEnding::Nul; return {};
        case 'o': options_.release_root = false; return {};
        case 'p': options_.inherit_mode = false; return {};
        case 'r': options_.duplicates = DuplicatePolicy::Replace; return {};
        case 's': return choose(ToolAction::List);
        case 'u': options_.utf8 = false; return {};
        case 'v': ++options_.verbosity; return {};
        case 'w': options_.duplicates = DuplicatePolicy::Ignore; return {};
        default: break;
        }
        if (postmap && option == 'F')
            options_.file_values = true;
        else if (postmap && option == 'h')
            add_text(QueryText::Headers);
        else if (postmap && option == 'b')
            add_text(QueryText::Body);
        else if (postmap && option == 'm')
            options_.parses_mime = true;
        else if (postmap && option == 'U')
            options_.utf8_in_messages = true;
        else
            return usage_error(fmt::format("invalid option -- '{}'", option));
        return {};
    }

    void add_text(QueryText text)
    {
        const bool first = options_.query_text == QueryText::Lines || options_.query_text == text;
        options_.query_text = first ? text : QueryText::HeadersAndBody;
    }

    Result<ToolOptions> check()
    {
        const bool query_stdin = options_.action == ToolAction::Query && options_.key == "-";
        if (options_.query_text != QueryText::Lines && !query_stdin)
            return fail(ErrorKind::Invalid, "specify -b -h or -m only with \"-q -\"");
        if (options_.parses_mime && options_.query_text == QueryText::Lines)
            log::warning("ignoring -m option without -b or -h");
        const bool prints = options_.action == ToolAction::Query || options_.action == ToolAction::List;
        if (options_.output == OutputForm::Json && !prints)
            return fail(ErrorKind::Invalid, "specify -j only with -q or -s");
        if (options_.tables.empty())
            return fail(ErrorKind::Invalid, usage(options_.dialect));
        return std::move(options_);
    }

    const std::vector<std::string>& arguments_;
    ToolOptions options_;
};

}  // namespace

Result<ToolOptions> parse_tool_options(Dialect dialect, const std::vector<std::string>& arguments)
{
    return OptionParser(dialect, arguments).run();
}

}  // namespace posthaste::table
