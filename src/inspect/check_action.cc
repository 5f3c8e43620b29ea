// The right-hand side of a header_checks(5) table, see check_action.h.
#include "inspect/check_action.h"

#include "base/text.h"

#include <algorithm>
#include <array>

namespace posthaste::inspect {

namespace {

using Kind = CheckAction::Kind;

struct Named {
    std::string_view name;
    Kind kind;
};

constexpr std::array named{
    Named{"DUNNO", Kind::Dunno},       Named{"OK", Kind::Dunno},      Named{"BCC", Kind::Bcc},
    Named{"DISCARD", Kind::Discard},   Named{"FILTER", Kind::Filter}, Named{"HOLD", Kind::Hold},
    Named{"IGNORE", Kind::Ignore},     Named{"INFO", Kind::Info},     Named{"PASS", Kind::Pass},
    Named{"PREPEND", Kind::Prepend},   Named{"REJECT", Kind::Reject}, Named{"REPLACE", Kind::Replace},
    Named{"REDIRECT", Kind::Redirect}, Named{"STRIP", Kind::Strip},   Named{"WARN", Kind::Warn},
};

}  // namespace

CheckAction parse_check_action(std::string_view text)
{
    text = trim(text);
    const auto* end = std::ranges::find_if(text, is_ascii_space);
    std::string_view word(text.begin(), end);
    const auto* found =
        std::ranges::find_if(named, [word](const Named& known) { return equal_ignoring_case(known.name, word); });
    if (found == named.end())
        return {.kind = Kind::Unknown, .argument = std::string(text)};
    return {.kind = found->kind, .argument = std::string(trim(std::string_view(end, text.end())))};
}

}  // namespace posthaste::inspect
