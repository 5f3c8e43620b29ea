// regexp_table.cc — regexp:file and regexp:{{rule}..}: POSIX extended expressions by the C library (regexp_table(5)).
//
// Keys with a NUL byte match nothing. Flags: i (case, on), m (lines, off), x (extended syntax, on). Expressions with
// back-references go to PCRE2, whose limits bound a match (posix_regex.h).
#include "table/pcre_code.h"
#include "table/posix_regex.h"
#include "table/regex_table.h"

#include <memory>
#include <regex.h>

namespace posthaste::table {

namespace {

struct FreeRegex {
    void operator()(regex_t* regex) const
    {
        regfree(regex);
        delete regex;
    }
};

class PosixRegex {
public:
    static constexpr std::string_view type = "regexp";
    static constexpr std::string_view unfinished = "skipping this rule";

    struct Options {
        int bits = REG_EXTENDED | REG_ICASE;
    };

    struct Captures {
        std::string subject;
        std::vector<regmatch_t> ranges;
        PcreCode::Captures pcre;
        bool by_pcre = false;
        std::string error;

        std::string_view group(std::size_t number) const
        {
            if (by_pcre)
                return pcre.group(number);
            if (number >= ranges.size() || ranges[number].rm_so < 0)
                return {};
            auto begin = static_cast<std::size_t>(ranges[number].rm_so);
            return std::string_view(subject).substr(begin, static_cast<std::size_t>(ranges[number].rm_eo) - begin);
        }
    };

    static Result<void> toggle(char flag, Options& options)
    {
        switch (flag) {
        case 'i': options.bits ^= REG_ICASE; break;
        case 'm': options.bits ^= REG_NEWLINE; break;
        case 'x': options.bits ^= REG_EXTENDED; break;
        default: return fail(ErrorKind::Invalid, fmt::format("unknown regexp option \"{}\": skipping this rule", flag));
        }
        return {};
    }

    static Result<PosixRegex> compile(std::string_view expression, Options options)
    {
        auto compiled = std::make_unique<regex_t>();
        if (int status = regcomp(compiled.get(), std::string(expression).c_str(), options.bits); status != 0) {
            char text[256];
            regerror(status, compiled.get(), text, sizeof text);
            return fail(ErrorKind::Invalid, text);
        }
        PosixRegex result;
        result.regex_.reset(compiled.release());
        result.limited_ = with_limits(expression, options);
        return result;
    }

    static std::vector<std::string> required(std::string_view expression, Options options)
    {
        if ((options.bits & REG_EXTENDED) == 0)
            return {};
        return required_literals(expression, RegexSyntax::PosixExtended);
    }

    std::size_t groups() const { return regex_->re_nsub; }

    bool matches(std::string_view subject, Captures& captures) const
    {
        if (captures.subject != subject)
            captures.subject = subject;
        if (captures.subject.find('\0') != std::string::npos)
            return false;
        captures.by_pcre = limited_.has_value();
        if (limited_) {
            const bool found = limited_->matches(captures.subject, captures.pcre);
            if (!captures.pcre.error.empty())
                captures.error = std::exchange(captures.pcre.error, {});
            return found;
        }
        captures.ranges.resize(regex_->re_nsub + 1);
        int status = regexec(regex_.get(), captures.subject.c_str(), captures.ranges.size(), captures.ranges.data(), 0);
        if (status != 0 && status != REG_NOMATCH) {
            char text[256];
            regerror(status, regex_.get(), text, sizeof text);
            captures.error = text;
        }
        return status == 0;
    }

private:
    static std::optional<PcreCode> with_limits(std::string_view expression, Options options)
    {
        const bool lines = (options.bits & REG_NEWLINE) != 0;
        if ((options.bits & REG_EXTENDED) == 0)
            return std::nullopt;
        auto translated =
            pcre_of_back_references(expression, lines ? NewlineIs::EndOfLine : NewlineIs::OrdinaryCharacter);
        if (!translated)
            return std::nullopt;
        auto code = PcreCode::compile(*translated, ((options.bits & REG_ICASE) != 0 ? PCRE2_CASELESS : 0U) |
                                                       (lines ? PCRE2_MULTILINE : PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY));
        return code ? std::optional(std::move(*code)) : std::nullopt;
    }

    std::unique_ptr<regex_t, FreeRegex> regex_;
    std::optional<PcreCode> limited_;
};

}  // namespace

Opened open_regexp(const OpenRequest& request) { return open_regex<PosixRegex>(request); }

}  // namespace posthaste::table
