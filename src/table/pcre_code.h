// pcre_code.h — one expression compiled by PCRE2, to machine code where PCRE2 can.
//
// PCRE2's own limits bound a match; beyond them the answer is an error.
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <pcre2.h>
#include <string>
#include <string_view>

namespace posthaste::table {

// Immutable. One thread at a time.
class PcreCode {
public:
    // What the last match found; refers to its subject. `error` stays once it is set.
    struct Captures {
        std::string_view group(std::size_t number) const;

        std::string_view subject;
        struct Free {
            void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
        };
        std::unique_ptr<pcre2_match_data, Free> data;
        std::string error;
    };

    // `bits`: the PCRE2_ options. Invalid, with the place, when it is no expression.
    static Result<PcreCode> compile(std::string_view expression, std::uint32_t bits);
    [[nodiscard]] std::size_t groups() const { return groups_; }
    bool matches(std::string_view subject, Captures& captures) const;

private:
    struct Free {
        void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    };
    std::unique_ptr<pcre2_code, Free> code_;
    std::uint32_t groups_ = 0;
};

}  // namespace posthaste::table
