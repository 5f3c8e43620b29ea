// A recursive descent over the grammar of expressions:
//   text = *( "$$" / "$" name / "${" body "}" / "$(" body ")" / other )
//   body = ( name / "{" text "}" operator "{" text "}" ) [ "?" branch ] [ ":" branch ]
//        / "domain_to_ascii" "{" text "}"
//   branch = "{" text "}" / everything up to the end of the body
#include "config/expand.h"

#include "address/idna.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <vector>

namespace posthaste::config {
namespace {

constexpr std::size_t max_nesting = 100;                  // of names, and of braces: bounds the recursion
constexpr std::size_t max_texts = 2 * max_nesting;        // names and braces together
constexpr std::size_t max_names = 100'000;                // looked up for one text
constexpr std::size_t max_length = std::size_t{1} << 20;  // of an expanded text

constexpr std::string_view domain_to_ascii = "domain_to_ascii";

constexpr bool is_name_character(char c) { return is_ascii_alnum(c) || c == '_'; }

std::string_view take_name(std::string_view& text)
{
    const auto end = std::ranges::find_if_not(text, is_name_character);
    const std::string_view name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(name.size());
    return name;
}

void skip_spaces(std::string_view& text)
{
    while (!text.empty() && is_ascii_space(text.front()))
        text.remove_prefix(1);
}

// text begins with `open`: what stands between it and the `close` that belongs to it. Both are taken off the text.
Result<std::string_view> take_group(std::string_view& text, char open, char close)
{
    std::size_t depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == open && ++depth > max_nesting)
            return fail(ErrorKind::Limit, fmt::format("'{}' nested more than {} deep", open, max_nesting));
        if (text[i] == close && --depth == 0) {
            const std::string_view inside = text.substr(1, i - 1);
            text.remove_prefix(i + 1);
            return inside;
        }
    }
    return fail(ErrorKind::Invalid, fmt::format("'{}' expected to close \"{}\"", close, printable(text)));
}

enum class Relation : std::uint8_t { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual };

struct Comparison {
    std::string_view left;
    std::string_view right;
    Relation relation = Relation::Equal;
    bool levels = false;
};

// One "${...}": either a name or a comparison decides between two texts, or a function is applied to one. A branch that
// is not there is no value.
struct Body {
    std::string_view name;
    std::optional<std::string_view> argument;  // of the function `name`
    std::optional<Comparison> comparison;
    std::optional<std::string_view> if_true;
    std::optional<std::string_view> if_false;
};

Result<Comparison> take_comparison(std::string_view& text)
{
    struct Operator {
        std::string_view text;
        Relation relation;
    };
    static constexpr std::array operators{
        Operator{"==", Relation::Equal},       Operator{"!=", Relation::NotEqual},
        Operator{"<=", Relation::LessOrEqual}, Operator{">=", Relation::GreaterOrEqual},
        Operator{"<", Relation::Less},         Operator{">", Relation::Greater},
    };
    Comparison result;
    TRY(result.left, take_group(text, '{', '}'));
    skip_spaces(text);
    const auto* const found =
        std::ranges::find_if(operators, [&](const Operator& o) { return text.starts_with(o.text); });
    if (found == operators.end())
        return fail(ErrorKind::Invalid, fmt::format("one of == != < <= > >= expected at \"{}\"", printable(text)));
    text.remove_prefix(found->text.size());
    result.relation = found->relation;
    if (text.starts_with("level")) {
        text.remove_prefix(5);
        result.levels = true;
    }
    skip_spaces(text);
    if (!text.starts_with('{'))
        return fail(ErrorKind::Invalid, fmt::format("'{{' expected at \"{}\"", printable(text)));
    TRY(result.right, take_group(text, '{', '}'));
    return result;
}

// After "?" or ":": {text}, or everything up to the end.
Result<std::string_view> take_branch(std::string_view& text)
{
    std::string_view probe = text;
    skip_spaces(probe);
    if (probe.starts_with('{')) {
        text = probe;
        TRY(std::string_view inside, take_group(text, '{', '}'));
        skip_spaces(text);
        return inside;
    }
    return std::exchange(text, {});
}

Result<Body> parse_body(std::string_view text)
{
    const std::string_view whole = text;
    Body body;
    skip_spaces(text);
    if (text.starts_with('{')) {
        TRY(body.comparison, take_comparison(text));
    } else {
        body.name = take_name(text);
        if (body.name.empty())
            return fail(ErrorKind::Invalid, fmt::format("a parameter name expected at \"{}\"", printable(whole)));
        if (body.name == domain_to_ascii && text.starts_with('{')) {
            TRY(body.argument, take_group(text, '{', '}'));
            if (!text.empty())
                return fail(ErrorKind::Invalid, fmt::format("unexpected \"{}\" behind a function", printable(text)));
            return body;
        }
    }
    skip_spaces(text);
    if (text.starts_with('?')) {
        text.remove_prefix(1);
        TRY(body.if_true, take_branch(text));
    }
    if (text.starts_with(':')) {
        text.remove_prefix(1);
        TRY(body.if_false, take_branch(text));
    }
    if (!text.empty())
        return fail(ErrorKind::Invalid,
                    fmt::format("'?', ':' or the end expected at \"{}\" in \"{}\"", printable(text), printable(whole)));
    return body;
}

bool holds(Relation relation, int order)
{
    switch (relation) {
    case Relation::Equal: return order == 0;
    case Relation::NotEqual: return order != 0;
    case Relation::Less: return order < 0;
    case Relation::LessOrEqual: return order <= 0;
    case Relation::Greater: return order > 0;
    case Relation::GreaterOrEqual: return order >= 0;
    }
    return false;
}

// Text of digits is a number, of any length; anything else is text.
int order_of(std::string_view left, std::string_view right)
{
    const auto is_number = [](std::string_view text) {
        return !text.empty() && std::ranges::all_of(text, is_ascii_digit);
    };
    if (is_number(left) && is_number(right)) {
        left.remove_prefix(std::min(left.find_first_not_of('0'), left.size()));
        right.remove_prefix(std::min(right.find_first_not_of('0'), right.size()));
        if (left.size() != right.size())
            return left.size() < right.size() ? -1 : 1;
    }
    return left.compare(right);
}

// What follows a '$': a name, or the inside of ${} or $(). Taken off the text.
struct Reference {
    std::string_view name;
    std::optional<std::string_view> body;
};

Result<Reference> take_reference(std::string_view& text)
{
    if (text.starts_with('{') || text.starts_with('(')) {
        TRY(std::string_view body, take_group(text, text.front(), text.front() == '{' ? '}' : ')'));
        return Reference{{}, body};
    }
    const std::string_view whole = text;
    const std::string_view name = take_name(text);
    if (name.empty())
        return fail(ErrorKind::Invalid,
                    fmt::format("a parameter name expected after '$' at \"${}\"", printable(whole)));
    return Reference{name, std::nullopt};
}

// Life time: one expand() call. Remembers the names that are being expanded, outermost first.
class Expander {
public:
    explicit Expander(const NameLookup& lookup) : lookup_(lookup) {}

    Result<std::string> text(std::string_view input)
    {
        if (texts_ >= max_texts)
            return fail(ErrorKind::Limit, fmt::format("expressions within expressions, more than {} deep", max_texts));
        ++texts_;
        Result<std::string> output = parts(input);
        --texts_;
        return output;
    }

private:
    Result<std::string> parts(std::string_view input)
    {
        std::string output;
        while (!input.empty()) {
            const std::size_t dollar = input.find('$');
            output += input.substr(0, dollar);
            if (dollar == std::string_view::npos)
                break;
            input.remove_prefix(dollar + 1);
            if (input.starts_with('$')) {
                output += '$';
                input.remove_prefix(1);
                continue;
            }
            TRY(Reference reference, take_reference(input));
            TRY(std::string value, reference.body ? body(*reference.body) : name(reference.name));
            output += value;
            if (output.size() > max_length)
                return fail(ErrorKind::Limit, fmt::format("the value is longer than {} bytes", max_length));
        }
        return output;
    }

    Result<std::string> body(std::string_view inside)
    {
        TRY(Body parsed, parse_body(inside));
        if (parsed.argument)
            return ascii_form(*parsed.argument);
        std::string value;
        bool condition = false;
        if (parsed.comparison) {
            TRY(condition, compare(*parsed.comparison));
            if (!parsed.if_true && !parsed.if_false)
                return std::string(condition ? "true" : "");
        } else {
            TRY(value, name(parsed.name));
            if (!parsed.if_true && !parsed.if_false)
                return value;
            condition = !value.empty();
        }
        const std::optional<std::string_view> chosen = condition ? parsed.if_true : parsed.if_false;
        return chosen ? text(*chosen) : Result<std::string>(std::string());
    }

    Result<std::string> ascii_form(std::string_view argument)
    {
        TRY(std::string domain, text(argument));
        std::optional<std::string> ascii = address::domain_to_ascii(trim(domain));
        if (!ascii)
            return fail(ErrorKind::Invalid, fmt::format("{}: \"{}\" is no domain", domain_to_ascii, printable(domain)));
        return std::move(*ascii);
    }

    Result<bool> compare(const Comparison& comparison)
    {
        TRY(std::string left, text(comparison.left));
        TRY(std::string right, text(comparison.right));
        if (!comparison.levels)
            return holds(comparison.relation, order_of(left, right));
        TRY(int order, compare_levels(trim(left), trim(right)));
        return holds(comparison.relation, order);
    }

    Result<std::string> name(std::string_view wanted)
    {
        if (std::ranges::find(open_, wanted) != open_.end() || open_.size() >= max_nesting)
            return fail(ErrorKind::Invalid,
                        fmt::format("${} refers to itself: {} -> {}", wanted, fmt::join(open_, " -> "), wanted));
        if (++names_ > max_names)
            return fail(ErrorKind::Limit, fmt::format("${}: more than {} names to look up", wanted, max_names));
        TRY(std::optional<NameValue> found, lookup_(wanted));
        if (!found)
            return std::string();
        if (found->further == Further::Keep || found->text.find('$') == std::string::npos)
            return std::move(found->text);
        open_.emplace_back(wanted);
        TRY(std::string value, text(found->text));
        open_.pop_back();
        return value;
    }

    const NameLookup& lookup_;
    std::vector<std::string> open_;
    std::size_t names_ = 0;
    std::size_t texts_ = 0;  // that are being expanded, within each other
};

void names_in_body(std::string_view inside, const std::function<void(std::string_view)>& use)
{
    const Result<Body> body = parse_body(inside);
    if (!body)
        return;
    if (body->argument) {
        for_each_name(*body->argument, use);
    } else if (body->comparison) {
        for_each_name(body->comparison->left, use);
        for_each_name(body->comparison->right, use);
    } else {
        use(body->name);
    }
    for_each_name(body->if_true.value_or(""), use);
    for_each_name(body->if_false.value_or(""), use);
}

}  // namespace

Result<std::string> expand(std::string_view text, const NameLookup& lookup) { return Expander(lookup).text(text); }

void for_each_name(std::string_view text, const std::function<void(std::string_view name)>& use)
{
    for (std::size_t dollar = text.find('$'); dollar != std::string_view::npos; dollar = text.find('$')) {
        text.remove_prefix(dollar + 1);
        if (text.starts_with('$')) {
            text.remove_prefix(1);
            continue;
        }
        const Result<Reference> reference = take_reference(text);
        if (!reference)
            continue;
        if (reference->body)
            names_in_body(*reference->body, use);
        else
            use(reference->name);
    }
}

Result<int> compare_levels(std::string_view a, std::string_view b)
{
    const std::vector<std::string_view> left = split(a, ".");
    const std::vector<std::string_view> right = split(b, ".");
    if (left.empty() || right.empty())
        return fail(ErrorKind::Invalid, fmt::format("a level such as 3.6 expected, not \"{}\"", left.empty() ? a : b));
    for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
        const auto x = i < left.size() ? parse_number<int>(left[i]) : 0;
        const auto y = i < right.size() ? parse_number<int>(right[i]) : 0;
        if (!x || !y)
            return fail(ErrorKind::Invalid, fmt::format("a level such as 3.6 expected, not \"{}\"", x ? b : a));
        if (*x != *y)
            return *x < *y ? -1 : 1;
    }
    return 0;
}

}  // namespace posthaste::config
