// The texts of notifications, see notification_template.h.
#include "dsn/notification_template.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>

namespace posthaste::dsn {

namespace {

constexpr std::string_view host_line = "This is the mail system at host $myhostname.";
constexpr std::string_view signature = "                   The mail system";

NotificationTemplate make(std::string_view subject, std::string_view postmaster_subject,
                          std::vector<std::string> explanation)
{
    NotificationTemplate made{.charset = "us-ascii",
                              .from = "Mail Delivery System <MAILER-DAEMON>",
                              .subject = std::string(subject),
                              .postmaster_subject = std::string(postmaster_subject)};
    made.lines = {std::string(host_line), ""};
    std::ranges::move(explanation, std::back_inserter(made.lines));
    made.lines.insert(made.lines.end(), {"", std::string(signature)});
    return made;
}

NotificationTemplates make_built_in()
{
    return {make("Undelivered Mail Returned to Sender", "Postmaster Copy: Undelivered Mail",
                 {"Your message could not be delivered to one or more of its recipients.",
                  "They are listed below with the reasons. The message is attached.", "",
                  "If you need help, write to postmaster and include this report; the",
                  "attached message itself may be left out."}),
            make("Delayed Mail (still being retried)", "Postmaster Warning: Delayed Mail",
                 {"####################################################################",
                  "# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #",
                  "####################################################################", "",
                  "Your message could not be delivered for more than $delay_warning_time_hours hour(s).",
                  "Delivery will be tried until it is $maximal_queue_lifetime_days day(s) old.", "",
                  "If you need help, write to postmaster and include this report; the",
                  "attached message itself may be left out."}),
            make("Successful Mail Delivery Report", "",
                 {"Your message was delivered to the recipients that are listed below. For",
                  "those in a mailbox of this system you will hear nothing further; other",
                  "systems, to which it was passed on, may still report that they failed."}),
            make("Mail Delivery Status Report", "",
                 {"This is the report on the delivery of your message that you asked for."})};
}

bool is_ascii(std::string_view text)
{
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

// The definitions of a file: "name = value", or "name = <<WORD", lines and the word alone on a line.
struct Definition {
    std::string_view name;
    std::vector<std::string_view> lines;
};

// Life time: one parse.
class Parser {
public:
    Parser(std::string_view text, std::string_view file) : file_(file)
    {
        for (std::size_t begin = 0; begin < text.size();) {
            std::size_t end = std::min(text.find('\n', begin), text.size());
            lines_.push_back(text.substr(begin, end - begin));
            begin = end + 1;
        }
    }

    Result<TemplateFile> run()
    {
        while (next_ < lines_.size()) {
            std::string_view line = lines_[next_++];
            if (trim(line).empty() || line.starts_with('#'))
                continue;
            TRY(Definition definition, parse_definition(line));
            take(definition);
        }
        return std::move(result_);
    }

private:
    Result<Definition> parse_definition(std::string_view line)
    {
        std::size_t equals = line.find('=');
        if (equals == std::string_view::npos)
            return fail(ErrorKind::Invalid, fmt::format("{}, line {}: missing '=' after attribute name: \"{}\"", file_,
                                                        next_ + 1, trim(line)));
        Definition definition{.name = trim(line.substr(0, equals)), .lines = {}};
        std::string_view value = trim(line.substr(equals + 1));
        if (value.starts_with("<<"))
            definition.lines = lines_until(trim(value.substr(2)));
        else
            definition.lines.push_back(value);
        return definition;
    }

    std::vector<std::string_view> lines_until(std::string_view word)
    {
        std::vector<std::string_view> found;
        while (next_ < lines_.size()) {
            if (std::string_view line = lines_[next_++]; line != word)
                found.push_back(line);
            else
                return found;
        }
        warn(fmt::format("{}, line {}: missing \"{}\" end marker", file_, next_ + 1, word));
        return found;
    }

    void take(const Definition& definition)
    {
        auto kind = std::ranges::find_if(
            report_kinds, [&](ReportKind k) { return definition.name == fmt::format("{}_template", name(k)); });
        if (kind == report_kinds.end()) {
            warn(fmt::format("{}, line {}: unknown template name: {} -- ignoring this template", file_, next_ + 1,
                             definition.name));
            return;
        }
        NotificationTemplate parsed = built_in_template(*kind);
        parsed.built_in = false;
        parsed.lines.clear();
        if (auto fault = parse_template(definition.lines, *kind, parsed))
            warn(fmt::format("{}: {} in {} template -- ignoring this template", file_, *fault, name(*kind)));
        else
            result_.templates[static_cast<std::size_t>(*kind)] = std::move(parsed);
    }

    // What is wrong with the template, if anything is.
    static std::optional<std::string> parse_template(const std::vector<std::string_view>& lines, ReportKind kind,
                                                     NotificationTemplate& parsed)
    {
        std::size_t at = 0;
        for (; at < lines.size(); ++at) {
            std::string_view line = lines[at];
            std::size_t colon = line.find(':');
            std::string_view label = line.substr(0, std::min(colon, line.size()));
            bool is_header = colon != std::string_view::npos && colon > 0 && label.find_first_of(" \t") == label.npos;
            if (!is_header)
                break;
            if (auto fault = set_field(label, trim(line.substr(colon + 1)), kind, parsed))
                return fault;
        }
        if (at < lines.size() && trim(lines[at]).empty())
            ++at;
        if (at == lines.size())
            return "missing message text";
        for (; at < lines.size(); ++at) {
            if (!is_ascii(lines[at]) && equal_ignoring_case(parsed.charset, "us-ascii"))
                return "8-bit message text without a charset value other than us-ascii";
            parsed.lines.emplace_back(lines[at]);
        }
        return std::nullopt;
    }

    static std::optional<std::string> set_field(std::string_view label, std::string_view value, ReportKind kind,
                                                NotificationTemplate& parsed)
    {
        std::string* field = equal_ignoring_case(label, "Charset")              ? &parsed.charset
                             : equal_ignoring_case(label, "From")               ? &parsed.from
                             : equal_ignoring_case(label, "Subject")            ? &parsed.subject
                             : equal_ignoring_case(label, "Postmaster-Subject") ? &parsed.postmaster_subject
                                                                                : nullptr;
        if (field == nullptr)
            return fmt::format("unknown \"{}\" header label", label);
        if (field == &parsed.postmaster_subject && built_in_template(kind).postmaster_subject.empty())
            return fmt::format("inapplicable \"{}\" header label", label);
        if (value.empty())
            return fmt::format("empty \"{}\" header value", label);
        if (!is_ascii(value))
            return fmt::format("non-ASCII \"{}\" header value", label);
        *field = value;
        return std::nullopt;
    }

    void warn(std::string text) { result_.warnings.push_back(std::move(text)); }

    std::string_view file_;
    std::vector<std::string_view> lines_;
    std::size_t next_ = 0;
    TemplateFile result_ = built_in_templates();
};

}  // namespace

std::string_view name(ReportKind kind)
{
    constexpr std::array<std::string_view, report_kinds.size()> names{"failure", "delay", "success", "verify"};
    return names[static_cast<std::size_t>(kind)];
}

TemplateFile built_in_templates()
{
    static const NotificationTemplates built_in = make_built_in();
    return {.templates = built_in, .warnings = {}};
}

const NotificationTemplate& built_in_template(ReportKind kind)
{
    static const NotificationTemplates built_in = make_built_in();
    return built_in[static_cast<std::size_t>(kind)];
}

Result<TemplateFile> parse_notification_templates(std::string_view text, std::string_view file)
{
    return Parser(text, file).run();
}

std::string format_template(ReportKind kind, const NotificationTemplate& given)
{
    std::string text = fmt::format("{}_template = <<EOF\nCharset: {}\nFrom: {}\nSubject: {}\n", name(kind),
                                   given.charset, given.from, given.subject);
    if (!given.postmaster_subject.empty())
        text += fmt::format("Postmaster-Subject: {}\n", given.postmaster_subject);
    text += '\n';
    for (const std::string& line : given.lines)
        text.append(line) += '\n';
    return text += "EOF\n";
}

}  // namespace posthaste::dsn
