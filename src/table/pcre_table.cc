// pcre_table.cc — pcre:file and pcre:{{rule}..}: Perl-compatible expressions by PCRE2 (pcre_table(5)).
//
// Expressions and keys are UTF-8; bytes that are not match nothing but themselves. PCRE2's own limits bound a match;
// beyond them the lookup is a Temporary error.
#include "table/pcre_code.h"
#include "table/regex_table.h"

namespace posthaste::table {

namespace {

class Pcre : public PcreCode {
public:
    static constexpr std::string_view type = "pcre";
    static constexpr std::string_view unfinished = "ignoring this rule";

    struct Options {
        std::uint32_t bits = PCRE2_CASELESS | PCRE2_DOTALL;
    };

    static Result<void> toggle(char flag, Options& options)
    {
        switch (flag) {
        case 'i': options.bits ^= PCRE2_CASELESS; break;
        case 'm': options.bits ^= PCRE2_MULTILINE; break;
        case 's': options.bits ^= PCRE2_DOTALL; break;
        case 'x': options.bits ^= PCRE2_EXTENDED; break;
        case 'A': options.bits ^= PCRE2_ANCHORED; break;
        case 'E': options.bits ^= PCRE2_DOLLAR_ENDONLY; break;
        case 'U': options.bits ^= PCRE2_UNGREEDY; break;
        case 'X': break;  // PCRE1 only; pcre_table(5) says that PCRE2 has no such option
        default: return fail(ErrorKind::Invalid, fmt::format("unknown regexp option \"{}\": skipping this rule", flag));
        }
        return {};
    }

    static Result<Pcre> compile(std::string_view expression, Options options)
    {
        TRY(PcreCode code, PcreCode::compile(expression, options.bits | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF));
        return Pcre(std::move(code));
    }

    static std::vector<std::string> required(std::string_view expression, Options options)
    {
        if ((options.bits & PCRE2_EXTENDED) != 0)
            return {};
        return required_literals(expression, RegexSyntax::Pcre);
    }

private:
    explicit Pcre(PcreCode code) : PcreCode(std::move(code)) {}
};

}  // namespace

Opened open_pcre(const OpenRequest& request) { return open_regex<Pcre>(request); }

}  // namespace posthaste::table
