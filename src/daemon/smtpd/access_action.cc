// access_action.cc — see access_action.h.
#include "daemon/smtpd/access_action.h"

#include "base/text.h"
#include "dsn/outcome.h"
#include "mime/header_scanner.h"

#include <algorithm>
#include <array>

namespace posthaste::smtpd {

namespace {

using Kind = AccessAction::Kind;

bool all_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_ascii_digit); }

struct Named {
    std::string_view name;
    Kind kind;
};

constexpr std::array named{
    Named{"OK", Kind::Permit}, Named{"RELAY", Kind::Permit},    Named{"DUNNO", Kind::Dunno},
    Named{"INFO", Kind::Info}, Named{"WARN", Kind::Warn},       Named{"DISCARD", Kind::Discard},
    Named{"HOLD", Kind::Hold}, Named{"FILTER", Kind::Filter},   Named{"REDIRECT", Kind::Redirect},
    Named{"BCC", Kind::Bcc},   Named{"PREPEND", Kind::Prepend},
};

// The text of a rejection: an enhanced code may stand before it.
AccessAction rejection(Kind kind, int code, std::string_view enhanced, std::string_view text,
                       std::string_view otherwise)
{
    std::size_t space = text.find(' ');
    std::string_view first = text.substr(0, space);
    if (auto parsed = dsn::parse_code(first)) {
        enhanced = first;
        text = space == std::string_view::npos ? std::string_view() : trim(text.substr(space));
    }
    return {kind, code, smtp::with_class_of(code, enhanced), std::string(text.empty() ? otherwise : text)};
}

}  // namespace

std::string_view problem_of(const AccessAction& action)
{
    const std::size_t at = action.text.rfind('@');
    switch (action.kind) {
    case Kind::Redirect:
    case Kind::Bcc:
        return at == std::string::npos || at == 0 || at + 1 == action.text.size() ? "requires user@domain target" : "";
    case Kind::Filter:
        if (action.text.empty())
            return "has FILTER entry without value";
        return action.text.contains(':') ? "" : "requires transport:destination";
    case Kind::Prepend: return mime::header_name_length(action.text) == 0 ? "requires header: text" : "";
    default: return "";
    }
}

AccessAction parse_access_action(std::string_view text, AccessCodes codes)
{
    text = trim(text);
    auto end = std::ranges::find_if(text, is_ascii_space);
    std::string_view word(text.begin(), end);
    std::string_view rest = trim(std::string_view(end, text.end()));

    if (all_digits(word)) {
        bool reply_code = word.size() == 3 && (word[0] == '4' || word[0] == '5') && !rest.empty();
        if (!reply_code)
            return {.kind = Kind::Permit, .code = 0, .enhanced = {}, .text = {}};
        return rejection(Kind::Reply, *parse_number<int>(word), word[0] == '4' ? "4.7.1" : "5.7.1", rest, "");
    }
    if (equal_ignoring_case(word, "REJECT"))
        return rejection(Kind::Reply, codes.reject, "5.7.1", rest, "Access denied");
    if (equal_ignoring_case(word, "DEFER"))
        return rejection(Kind::Reply, codes.defer, "4.7.1", rest, "Access denied");
    if (equal_ignoring_case(word, "DEFER_IF_PERMIT"))
        return rejection(Kind::DeferIfPermit, codes.defer, "4.7.1", rest, "Service unavailable");
    if (equal_ignoring_case(word, "DEFER_IF_REJECT"))
        return rejection(Kind::DeferIfReject, codes.defer, "4.7.1", rest, "Service unavailable");
    const auto* found =
        std::ranges::find_if(named, [word](const Named& n) { return equal_ignoring_case(n.name, word); });
    if (found != named.end())
        return {.kind = found->kind, .code = 0, .enhanced = {}, .text = std::string(rest)};
    return {.kind = Kind::Restrictions, .code = 0, .enhanced = {}, .text = std::string(text)};
}

}  // namespace posthaste::smtpd
