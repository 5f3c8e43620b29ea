// required_literals.cc — see required_literals.h.
#include "table/required_literals.h"

#include "base/text.h"

#include <algorithm>
#include <optional>

namespace posthaste::table {

namespace {

constexpr int deepest = 50;
constexpr std::size_t most_literals = 64;

using Literals = std::vector<std::string>;

// The shortest of them: the longer, the rarer in subjects.
std::size_t worth(const Literals& literals)
{
    std::size_t least = literals.empty() ? 0 : std::string::npos;
    for (const std::string& literal : literals)
        least = std::min(least, literal.size());
    return least;
}

class Reader {
public:
    Reader(std::string_view expression, RegexSyntax syntax) : rest_(expression), pcre_(syntax == RegexSyntax::Pcre) {}

    Literals run()
    {
        Literals literals = alternatives(0);
        return failed_ || !rest_.empty() ? Literals() : literals;
    }

private:
    // What an atom is made of: one character, a group's texts, or nothing that is known.
    struct Atom {
        std::optional<char> character;
        Literals literals;
    };

    bool takes(std::string_view text)
    {
        if (!rest_.starts_with(text))
            return false;
        rest_.remove_prefix(text.size());
        return true;
    }
    Atom fail()
    {
        failed_ = true;
        return {};
    }

    // Up to the end or the parenthesis that closes the group. Without a text from each branch there is none.
    Literals alternatives(int depth)
    {
        Literals all;
        bool complete = true;
        do {
            Literals branch = sequence(depth);
            complete = complete && !branch.empty();
            all.insert(all.end(), branch.begin(), branch.end());
        } while (!failed_ && takes("|"));
        return complete && all.size() <= most_literals ? all : Literals();
    }

    Literals sequence(int depth)
    {
        Literals best;
        std::string run;
        auto consider = [&best](Literals literals) {
            if (worth(literals) > worth(best))
                best = std::move(literals);
        };
        auto end_run = [&] {
            if (!run.empty())
                consider({std::exchange(run, {})});
        };
        while (!failed_ && !rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
            Atom next = atom(depth);
            const Repetition repetition = repetitions();
            if (next.character && repetition.least > 0)
                run += ascii_lower(*next.character);
            if (!next.character || repetition.is_there)
                end_run();
            if (repetition.least > 0)
                consider(std::move(next.literals));
        }
        end_run();
        return best;
    }

    Atom atom(int depth)
    {
        const char c = rest_.front();
        switch (c) {
        case '*':
        case '+':
        case '?':
        case '{': return fail();  // nothing to repeat
        case '(': return group(depth);
        case '[': return bracket();
        case '\\': return escape();
        default: break;
        }
        rest_.remove_prefix(1);
        if (std::string_view("^$.]}").contains(c) || static_cast<unsigned char>(c) >= 0x80)
            return {};
        return {.character = c, .literals = {}};
    }

    // Behind a parenthesis and question mark: what the group is. Nothing that is known about what it looks at.
    enum class GroupKind : std::uint8_t { Plain, Look, Options, Unknown };
    GroupKind group_kind()
    {
        if (!takes("?"))
            return rest_.starts_with('*') ? GroupKind::Unknown : GroupKind::Plain;
        if (!pcre_)
            return GroupKind::Unknown;
        if (takes(":"))
            return GroupKind::Plain;
        if (takes("=") || takes("!") || takes("<=") || takes("<!") || takes(">"))
            return GroupKind::Look;
        const bool named = takes("P<") || takes("<");
        const std::size_t end = rest_.find_first_not_of(named ? "abcdefghijklmnopqrstuvwxyz_" : "imsU-");
        if (end == std::string_view::npos || end == 0)
            return GroupKind::Unknown;
        rest_.remove_prefix(end);
        if (named)
            return takes(">") ? GroupKind::Plain : GroupKind::Unknown;
        return takes(":") ? GroupKind::Plain : rest_.starts_with(')') ? GroupKind::Options : GroupKind::Unknown;
    }

    Atom group(int depth)
    {
        rest_.remove_prefix(1);
        const GroupKind kind = group_kind();
        if (kind == GroupKind::Unknown || depth >= deepest)
            return fail();
        Atom result;
        if (kind != GroupKind::Options)
            result.literals = alternatives(depth + 1);
        if (kind != GroupKind::Plain)
            result.literals.clear();
        return takes(")") ? result : fail();
    }

    // [...]: with one character between the brackets it is that character.
    Atom bracket()
    {
        std::size_t i = 1;
        const bool negated = rest_.substr(i).starts_with('^');
        i += negated ? 1 : 0;
        const std::size_t first = i;
        for (; i < rest_.size() && (rest_[i] != ']' || i == first); ++i) {
            const std::string_view here = rest_.substr(i);
            if (here.starts_with("[.") || here.starts_with("[="))
                return fail();
            if (here.starts_with("[:")) {
                const std::size_t length = here.substr(2).find_first_not_of("abcdefghijklmnopqrstuvwxyz^");
                if (length == std::string_view::npos || !here.substr(2 + length).starts_with(":]"))
                    return fail();
                i += 3 + length;
            } else if (pcre_ && here.starts_with('\\')) {
                if (here.size() < 2 || here[1] == 'Q' || here[1] == 'E')
                    return fail();
                ++i;
            }
        }
        if (i >= rest_.size())
            return fail();
        const std::string_view content = rest_.substr(first, i - first);
        rest_.remove_prefix(i + 1);
        if (negated || content.size() != 1 || static_cast<unsigned char>(content.front()) >= 0x80)
            return {};
        return {.character = content.front(), .literals = {}};
    }

    Atom escape()
    {
        if (rest_.size() < 2)
            return fail();
        const char c = rest_[1];
        rest_.remove_prefix(2);
        const bool anchor = !pcre_ && std::string_view("<>`'").contains(c);
        if (anchor || static_cast<unsigned char>(c) >= 0x80)
            return {};
        if (!is_ascii_alnum(c))
            return {.character = c, .literals = {}};
        const std::string_view classes = pcre_ ? "dDwWsSbBAzZhHvVRXGtnrfea" : "wWsSbB123456789";
        return classes.contains(c) ? Atom() : fail();
    }

    struct Repetition {
        bool is_there = false;
        std::size_t least = 1;
    };

    // All of them: POSIX allows several in a row.
    Repetition repetitions()
    {
        Repetition result;
        while (!failed_ && !rest_.empty() && std::string_view("*+?{").contains(rest_.front())) {
            result.is_there = true;
            if (rest_.front() == '{') {
                result.least = std::min(result.least, bound());
            } else {
                result.least = rest_.front() == '+' ? result.least : 0;
                rest_.remove_prefix(1);
            }
            if (pcre_ && !takes("?"))  // lazy, possessive
                takes("+");
        }
        return result;
    }

    // {n}, {n,} or {n,m}: n.
    std::size_t bound()
    {
        const std::size_t end = rest_.find('}');
        const std::string_view inside = end == std::string_view::npos ? "" : rest_.substr(1, end - 1);
        const std::size_t comma = inside.find(',');
        const std::string_view behind = comma == std::string_view::npos ? "" : inside.substr(comma + 1);
        const auto least = parse_number<std::size_t>(inside.substr(0, comma));
        if (!least || (!behind.empty() && !parse_number<std::size_t>(behind))) {
            failed_ = true;
            return 0;
        }
        rest_.remove_prefix(end + 1);
        return *least;
    }

    std::string_view rest_;
    bool pcre_;
    bool failed_ = false;
};

}  // namespace

std::vector<std::string> required_literals(std::string_view expression, RegexSyntax syntax)
{
    return Reader(expression, syntax).run();
}

}  // namespace posthaste::table
