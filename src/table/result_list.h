// result_list.h — the value of a key that a server has several results for: each goes through result_format, those that
// come out empty are left out, the others are joined with commas, and expansion_limit bounds how many there may be.
#pragma once

#include "table/key_template.h"

#include <fmt/format.h>

namespace posthaste::table {

// For one lookup.
class ResultList {
public:
    // Limit 0: none.
    ResultList(const KeyTemplate& format, int limit, std::string_view key) : format_(format), key_(key), limit_(limit)
    {
    }

    // Limit: there are too many results now.
    Result<void> add(std::string_view value)
    {
        const auto result = format_.expand(value, key_);
        if (!result)
            return {};
        if (++count_ > limit_ && limit_ > 0)
            return fail(ErrorKind::Limit, "expansion limit exceeded");
        text_.append(text_.empty() ? "" : ",").append(*result);
        return {};
    }
    // Nothing if there is no result.
    [[nodiscard]] std::optional<std::string> value() const
    {
        return text_.empty() ? std::nullopt : std::optional(text_);
    }

private:
    const KeyTemplate& format_;
    std::string_view key_;
    std::string text_;
    int limit_;
    int count_ = 0;
};

}  // namespace posthaste::table
