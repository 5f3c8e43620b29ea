// posix_regex.cc — see posix_regex.h.
#include "table/posix_regex.h"

#include "base/text.h"

namespace posthaste::table {

namespace {

class Translation {
public:
    Translation(std::string_view expression, NewlineIs newline) : rest_(expression), newline_(newline) {}

    std::optional<std::string> run()
    {
        while (!rest_.empty()) {
            const char c = rest_.front();
            if (c == '\\' ? !escape() : c == '[' ? !bracket() : !ordinary())
                return std::nullopt;
        }
        return has_reference_ ? std::optional(std::move(out_)) : std::nullopt;
    }

private:
    // Behind a repetition '?' and '+' mean something else to PCRE2, as "(?" and "(*" do; "{,n}" is text to it.
    bool ordinary()
    {
        const bool may_repeat = !after_repetition_;
        const char c = rest_.front();
        after_repetition_ = c == '*' || c == '+' || c == '?' || c == '}';
        if ((c == '+' || c == '?') && !may_repeat)
            return false;
        if (rest_.starts_with("(?") || rest_.starts_with("(*") || rest_.starts_with("{,"))
            return false;
        out_ += c;
        rest_.remove_prefix(1);
        return true;
    }

    bool escape()
    {
        if (rest_.size() < 2)
            return false;
        const char c = rest_[1];
        rest_.remove_prefix(2);
        after_repetition_ = false;
        if (c >= '1' && c <= '9') {
            has_reference_ = true;
            out_ += std::string("\\g{") + c + "}";
        } else if (std::string_view("wWsSbB").contains(c)) {
            out_ += std::string("\\") + c;
        } else if (c == '<' || c == '>') {
            out_ += c == '<' ? "\\b(?=\\w)" : "\\b(?<=\\w)";
        } else if (c == '`' || c == '\'') {
            out_ += c == '`' ? "\\A" : "\\z";
        } else {
            out_ += is_ascii_alnum(c) ? std::string(1, c) : std::string("\\") + c;
        }
        return true;
    }

    // [...]: a backslash is an ordinary character there.
    bool bracket()
    {
        after_repetition_ = false;
        std::size_t i = 1;
        out_ += '[';
        if (rest_.substr(i).starts_with('^')) {
            out_ += newline_ == NewlineIs::EndOfLine ? "^\\n" : "^";
            ++i;
        }
        for (const std::size_t first = i; i < rest_.size(); ++i) {
            const char c = rest_[i];
            if (c == ']' && i > first) {
                out_ += ']';
                rest_.remove_prefix(i + 1);
                return true;
            }
            if (rest_.substr(i).starts_with("[:")) {
                const std::size_t end = rest_.find(":]", i);
                if (end == std::string_view::npos)
                    return false;
                out_ += rest_.substr(i, end + 2 - i);
                i = end + 1;
            } else if (c == '[' && (rest_.substr(i).starts_with("[.") || rest_.substr(i).starts_with("[="))) {
                return false;
            } else {
                out_ += c == '\\' || c == '[' || c == ']' ? std::string("\\") + c : std::string(1, c);
            }
        }
        return false;
    }

    std::string_view rest_;
    NewlineIs newline_;
    std::string out_;
    bool has_reference_ = false;
    bool after_repetition_ = false;
};

}  // namespace

std::optional<std::string> pcre_of_back_references(std::string_view expression, NewlineIs newline)
{
    return Translation(expression, newline).run();
}

}  // namespace posthaste::table
