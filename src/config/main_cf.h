// The syntax of main.cf (postconf(5)), and of the logical lines that it shares with master.cf.
//
// A logical line begins in the first column; lines that begin with white space continue it. Empty lines and lines
// whose first visible character is # count as nothing, inside of a logical line, too.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace posthaste::config {

inline constexpr std::size_t max_file_size = std::size_t{1} << 20;  // octets, of each file

// Where a setting was written. Line 0: not in a file, but on the command line (-o) or in the environment.
struct Place {
    std::string file;
    int line = 0;

    [[nodiscard]] std::string text() const;  // "/etc/postfix/main.cf, line 7" or "-o"
};

// Something that deserves a warning but stops nobody.
struct Notice {
    Place place;
    std::string text;
};

struct LogicalLine {
    std::string text;  // continuation lines appended, without the line ends between them
    int line = 0;      // where it begins, from 1
};

struct LogicalLines {
    std::vector<LogicalLine> lines;
    std::vector<Notice> notices;
};

LogicalLines split_logical_lines(std::string_view content, const std::string& file);

struct Setting {
    std::string name;
    std::string value;  // as written, without white space at the ends
    Place place;
};

struct MainCf {
    std::vector<Setting> settings;  // in file order; of several with one name the last counts
    std::vector<Notice> notices;
};

// Every line of a file: the settings, and what is wrong with each of the others.
struct MainCfLines {
    MainCf good;
    std::vector<Notice> errors;
};

MainCfLines parse_main_cf_lines(std::string_view content, const std::string& file);
// Invalid: lines that are no `name = value`; the error names file, line and what was expected of each.
Result<MainCf> parse_main_cf(std::string_view content, const std::string& file);

// Reads <directory>/main.cf. NotFound, Denied, Io; Invalid as above.
Result<MainCf> load_main_cf(const std::string& directory);
// The same without Invalid: for who looks for mistakes.
Result<MainCfLines> load_main_cf_lines(const std::string& directory);

// "name = value" or "name=value" (an -o option, a line). Invalid without a name or without "=". Without a place.
Result<Setting> parse_setting(std::string_view text);

}  // namespace posthaste::config
