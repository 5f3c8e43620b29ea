// key_template.h — what mysql_table(5), sqlite_table(5) and memcache_table(5) make of a key and of a value: query,
// key_format, result_format, and the list of domains that are looked up at all.
//
//   %s the whole text, %u its local part (the whole text if it is no address), %d its domain; %S %U %D the same of
//   the key, also in a result_format; %1 … %9 the parts of the key's domain, counted from the right; %% a percent sign
//
// A part that the text does not have means that there is nothing to ask or to answer.
#pragma once

#include "table/maps.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::table {

using Quote = std::function<std::string(std::string_view)>;

class KeyTemplate {
public:
    // Invalid: another letter behind a percent sign. The message names the template ("query") and its file.
    static Result<KeyTemplate> parse(std::string_view text, std::string_view what, std::string_view file);

    // The text with everything replaced; `value` is what %s %u %d stand for, `key` what the others stand for. Each
    // replacement goes through `quote`. Nothing: a part is missing.
    [[nodiscard]] std::optional<std::string> expand(std::string_view value, std::string_view key,
                                                    const Quote& quote = {}) const;
    // Whether it says the same for every key.
    [[nodiscard]] bool is_fixed() const;

private:
    struct Piece {
        std::string text;  // before the replacement
        char what = 0;     // the letter, or 0 for none
    };
    std::vector<Piece> pieces_;
};

// The `domain` setting: names, files of `name anything` lines, and local tables. An empty list has every key.
class SearchDomains {
public:
    static Result<SearchDomains> parse(std::string_view text, const OpenOptions& options);
    // Whether this key is looked up: an address with a local part in one of the domains. Unsupported: a table of the
    // list that asks a server.
    Result<bool> has(std::string_view key);

private:
    std::vector<std::string> names_;
    Maps tables_;
    bool all_ = true;
};

}  // namespace posthaste::table
