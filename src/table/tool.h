// tool.h — what postmap(1) and postalias(1) do, apart from reading main.cf.
//
// The two dialects differ in their source format, in how entries are printed ("key<TAB>value", "key:<TAB>value") and
// in the entries that postalias adds (@, YP_LAST_MODIFIED, YP_MASTER_NAME). Lines with errors are reported and left
// out, as with Postfix; a table whose source cannot be read or whose file cannot be written stays as it was.
#pragma once

#include "base/result.h"
#include "table/source_entries.h"
#include "table/table.h"
#include "table/writer.h"

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::table {

enum class ToolAction : std::uint8_t {
    Build,   // a new table from its source file
    Update,  // -i: entries from standard input are added
    Query,   // -q
    Erase,   // -d
    List,    // -s
};

enum class DuplicatePolicy : std::uint8_t { Warn, Replace, Ignore };           // -, -r, -w
enum class QueryText : std::uint8_t { Lines, Headers, Body, HeadersAndBody };  // -, -h, -b, -hb
enum class OutputForm : std::uint8_t { Text, Json };                           // -, -j

struct ToolOptions {
    Dialect dialect = Dialect::Postmap;
    ToolAction action = ToolAction::Build;
    std::string config_directory;  // -c
    std::string key;               // of -q or -d; "-": keys come from standard input
    QueryText query_text = QueryText::Lines;
    bool parses_mime = false;  // -m
    DuplicatePolicy duplicates = DuplicatePolicy::Warn;
    KeyCase key_case = KeyCase::Fold;       // -f: Keep
    KeyEnding ending = KeyEnding::Unknown;  // -n: None, -N: Nul
    bool file_values = false;               // -F: values are file names; their content is stored in base64
    bool release_root = true;               // -o: false
    bool inherit_mode = true;               // -p: false
    bool utf8 = true;                       // -u: false
    bool utf8_in_messages = false;          // -U: keys of -b and -h are checked, too
    OutputForm output = OutputForm::Text;
    int verbosity = 0;                // -v
    std::vector<std::string> tables;  // [type:]name
};

// What the tools take from main.cf.
struct ToolSettings {
    std::string default_database_type = "hash";
    std::size_t berkeley_db_create_buffer_size = 16U << 20U;
    std::size_t lmdb_map_size = 16U << 20U;
    bool smtputf8_enable = true;
    std::string myhostname;  // YP_MASTER_NAME in alias tables
    OpenOptions opening;     // of tables that are read
    std::string proxywrite_socket;
};

struct ToolStreams {
    std::FILE* in = stdin;
    std::FILE* out = stdout;
};

// The command line, arguments[0] included. Invalid: a usage error, in the words of the manual.
Result<ToolOptions> parse_tool_options(Dialect dialect, const std::vector<std::string>& arguments);

// Does it. False: a key that was asked for or was to be removed does not exist. Errors end the program's work.
Result<bool> run_tool(const ToolOptions& options, const ToolSettings& settings, ToolStreams streams);

}  // namespace posthaste::table
