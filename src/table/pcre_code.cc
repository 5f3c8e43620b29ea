// pcre_code.cc — see pcre_code.h.
#include "table/pcre_code.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

std::string message_of(int code)
{
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(code, text, sizeof text);
    return reinterpret_cast<const char*>(text);
}

}  // namespace

std::string_view PcreCode::Captures::group(std::size_t number) const
{
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    if (number >= pcre2_get_ovector_count(data.get()) || ends[2 * number] == PCRE2_UNSET)
        return {};
    return subject.substr(ends[2 * number], ends[2 * number + 1] - ends[2 * number]);
}

Result<PcreCode> PcreCode::compile(std::string_view expression, std::uint32_t bits)
{
    int error = 0;
    PCRE2_SIZE offset = 0;
    PcreCode result;
    result.code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(), bits, &error,
                                     &offset, nullptr));
    if (!result.code_)
        return fail(ErrorKind::Invalid, fmt::format("error in regex at offset {}: {}", offset, message_of(error)));
    pcre2_jit_compile(result.code_.get(), PCRE2_JIT_COMPLETE);
    pcre2_pattern_info(result.code_.get(), PCRE2_INFO_CAPTURECOUNT, &result.groups_);
    return result;
}

bool PcreCode::matches(std::string_view subject, Captures& captures) const
{
    captures.subject = subject;
    if (!captures.data || pcre2_get_ovector_count(captures.data.get()) < groups_ + 1)
        captures.data.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    int status = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), 0, 0,
                             captures.data.get(), nullptr);
    if (status < 0 && status != PCRE2_ERROR_NOMATCH)
        captures.error = message_of(status);
    return status >= 0;
}

}  // namespace posthaste::table
