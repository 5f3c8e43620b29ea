// pcre_table.cc — pcre:file and pcre:{{rule}..}: Perl-compatible expressions by PCRE2 (pcre_table(5)).
//
// Expressions and keys are UTF-8; bytes that are not match nothing but themselves. Expressions are compiled to
// machine code where PCRE2 can. PCRE2's own limits bound a match; beyond them the lookup is a Temporary error.
#define PCRE2_CODE_UNIT_WIDTH 8

#include "table/regex_table.h"

#include <memory>
#include <pcre2.h>

namespace posthaste::table {

namespace {

std::string pcre_message(int code)
{
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(code, text, sizeof text);
    return reinterpret_cast<const char*>(text);
}

struct FreeCode {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

class Pcre {
public:
    static constexpr std::string_view type = "pcre";
    static constexpr std::string_view unfinished = "ignoring this rule";

    struct Options {
        std::uint32_t bits = PCRE2_CASELESS | PCRE2_DOTALL;
    };

    struct Captures {
        std::string_view subject;
        std::unique_ptr<pcre2_match_data, FreeMatch> data;
        std::string error;

        std::string_view group(std::size_t number) const
        {
            const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
            if (number >= pcre2_get_ovector_count(data.get()) || ends[2 * number] == PCRE2_UNSET)
                return {};
            return subject.substr(ends[2 * number], ends[2 * number + 1] - ends[2 * number]);
        }
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
        int error = 0;
        PCRE2_SIZE offset = 0;
        Pcre result;
        result.code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                                         options.bits | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &offset, nullptr));
        if (!result.code_)
            return fail(ErrorKind::Invalid,
                        fmt::format("error in regex at offset {}: {}", offset, pcre_message(error)));
        pcre2_jit_compile(result.code_.get(), PCRE2_JIT_COMPLETE);
        pcre2_pattern_info(result.code_.get(), PCRE2_INFO_CAPTURECOUNT, &result.groups_);
        return result;
    }

    std::size_t groups() const { return groups_; }

    bool matches(std::string_view subject, Captures& captures) const
    {
        captures.subject = subject;
        if (!captures.data || pcre2_get_ovector_count(captures.data.get()) < groups_ + 1)
            captures.data.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
        int status = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), 0, 0,
                                 captures.data.get(), nullptr);
        if (status < 0 && status != PCRE2_ERROR_NOMATCH)
            captures.error = pcre_message(status);
        return status >= 0;
    }

private:
    std::unique_ptr<pcre2_code, FreeCode> code_;
    std::uint32_t groups_ = 0;
};

}  // namespace

Opened open_pcre(const OpenRequest& request) { return open_regex<Pcre>(request); }

}  // namespace posthaste::table
