// tool.cc — queries, removals and listings of postmap(1) and postalias(1); making tables is in tool_build.cc.
#include "table/tool.h"

#include "address/fold.h"
#include "base/text.h"
#include "mime/structure_scanner.h"
#include "net/tasks.h"
#include "table/base64.h"
#include "table/proxymap_client.h"
#include "table/registry.h"
#include "table/tool_build.h"
#include "table/tool_output.h"
#include "table/wait_for.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <functional>
#include <unistd.h>

namespace posthaste::table {

namespace {

std::string with_type(const std::string& table, const ToolSettings& settings)
{
    return table.find(':') == std::string::npos ? settings.default_database_type + ":" + table : table;
}

OpenOptions reader_options(const ToolOptions& options, const ToolSettings& settings)
{
    OpenOptions opening = settings.opening;
    opening.key_case = options.key_case;
    opening.utf8_only = options.utf8 && settings.smtputf8_enable;
    return opening;
}

Result<void> print(std::FILE* out, std::string_view text)
{
    if (std::fwrite(text.data(), 1, text.size(), out) != text.size())
        return fail_errno("write to standard output");
    return {};
}

// The value as it is shown: with -F decoded.
Result<std::string> shown(const Table& table, std::string_view key, std::string value, const ToolOptions& options)
{
    if (!options.file_values)
        return value;
    auto decoded = decode_base64(value);
    if (decoded)
        return std::move(*decoded);
    warn({}, fmt::format("table {}: key {}: malformed BASE64 value: {}", table.name(), key, value));
    return fail(ErrorKind::Corrupt, fmt::format("table {}: query error", table.name()));
}

// Postfix names some tables with the suffix of their file.
std::string name_in_warnings(const std::string& full)
{
    const std::string type = full.substr(0, full.find(':'));
    return full + (type == "hash" || type == "btree" ? ".db" : type == "cdb" ? ".cdb" : "");
}

// Tables that are opened when they are first asked: a hit in an earlier one leaves the later ones closed.
class Query {
public:
    Query(const ToolOptions& options, const ToolSettings& settings)
        : options_(options), settings_(settings), tables_(options.tables.size())
    {
    }

    Result<std::optional<std::string>> find(std::string_view key)
    {
        const bool readable = !checks_utf8() || address::is_valid_utf8(key);
        for (std::size_t i = 0; i < tables_.size(); ++i) {
            if (!tables_[i]) {
                TRY(tables_[i], open(with_type(options_.tables[i], settings_), reader_options(options_, settings_)));
            }
            if (!readable) {
                warn({}, fmt::format("{}: non-UTF-8 key \"{}\": malformed UTF-8 or invalid codepoint",
                                     name_in_warnings(tables_[i]->name()), printable(key)));
                continue;
            }
            TRY(std::optional<std::string> value, wait_for(tables_[i]->lookup(key)));
            if (!value)
                continue;
            if (value->empty()) {
                warn({}, fmt::format("table {}: key {}: empty string result is not allowed", tables_[i]->name(), key));
                warn({}, fmt::format("table {} should return NO RESULT in case of NOT FOUND", tables_[i]->name()));
            }
            TRY(std::string text, shown(*tables_[i], key, std::move(*value), options_));
            return text;
        }
        return std::nullopt;
    }

    // See Table::hold(). One table alone: a second one may have to wait for a server.
    Result<void> hold() { return is_one_open_table() ? tables_.front()->hold() : Result<void>(); }
    void release()
    {
        if (is_one_open_table())
            tables_.front()->release();
    }

private:
    bool is_one_open_table() const { return tables_.size() == 1 && tables_.front(); }

    // What stands in messages may be anything, and header_checks(5) look at it all the same.
    bool checks_utf8() const
    {
        const bool in_messages = options_.query_text != QueryText::Lines;
        return options_.utf8 && settings_.smtputf8_enable && (!in_messages || options_.utf8_in_messages);
    }

    const ToolOptions& options_;
    const ToolSettings& settings_;
    std::vector<std::unique_ptr<Table>> tables_;
};

Result<bool> query_one(const ToolOptions& options, const ToolSettings& settings, ToolStreams streams)
{
    Query query(options, settings);
    TRY(std::optional<std::string> value, query.find(options.key));
    if (!value)
        return false;
    std::string text;
    if (options.output == OutputForm::Json)
        append_entry(text, options, options.key, *value);
    else
        text = *value + "\n";
    TRY(print(streams.out, text));
    return true;
}

// The keys that -b and -h make of a message; with -m also of its parts.
class MessageKeys {
public:
    MessageKeys(const ToolOptions& options, std::function<Result<void>(std::string_view)> use)
        : what_(options.query_text), use_(std::move(use)),
          scanner_(mime::StructureLimits(), options.parses_mime ? mime::Depth::Everything : mime::Depth::PrimaryHeader)
    {
    }

    Result<void> line(std::string_view line)
    {
        mime::StructureStep step = scanner_.feed(line);
        TRY(header(step.completed));
        if (what_ == QueryText::Headers || step.place == mime::LinePlace::Header)
            return {};
        // The empty line behind a header is text, as Postfix sees it, also where it is missing.
        if (step.separator_is_missing)
            TRY(use_(""));
        return use_(line);
    }
    Result<void> end() { return header(scanner_.finish()); }

private:
    Result<void> header(const std::optional<mime::StructureHeader>& header)
    {
        return header && what_ != QueryText::Body ? use_(header->text()) : Result<void>();
    }

    QueryText what_;
    std::function<Result<void>(std::string_view)> use_;
    mime::StructureScanner scanner_;
};

// Calls `use` with as many whole lines as can be read at once; the last line need not end.
Result<void> for_each_piece(std::FILE* in, const std::function<Result<void>(std::string_view lines)>& use)
{
    constexpr std::size_t piece = std::size_t{64} << 10;
    std::string buffer;
    for (;;) {
        const std::size_t kept = buffer.size();
        buffer.resize(kept + piece);
        const ssize_t got = ::read(::fileno(in), buffer.data() + kept, piece);
        if (got < 0 && errno != EINTR)
            return fail_errno("read standard input");
        buffer.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got == 0)
            return buffer.empty() ? Result<void>() : use(buffer);
        if (const std::size_t end = buffer.rfind('\n'); end != std::string::npos) {
            TRY(use(std::string_view(buffer).substr(0, end + 1)));
            buffer.erase(0, end + 1);
        }
    }
}

// Nothing is printed while the table is held: whoever reads may be slow.
Result<void> query_lines(Query& query, std::string_view lines,
                         const std::function<void(std::string_view key, std::string_view value)>& use)
{
    TRY(query.hold());
    Result<void> done;
    while (done && !lines.empty()) {
        const std::size_t end = lines.find('\n');
        const std::string_view key = lines.substr(0, end);
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
        auto value = query.find(key);
        if (!value)
            done = fail(std::move(value).error());
        else if (*value)
            use(key, **value);
    }
    query.release();
    return done;
}

Result<bool> query_stdin(const ToolOptions& options, const ToolSettings& settings, ToolStreams streams)
{
    Query query(options, settings);
    std::string found;
    bool any = false;
    auto add = [&](std::string_view key, std::string_view value) {
        any = true;
        append_entry(found, options, key, value);
    };
    if (options.query_text == QueryText::Lines) {
        TRY(for_each_piece(streams.in, [&](std::string_view lines) -> Result<void> {
            found.clear();
            Result<void> done = query_lines(query, lines, add);
            TRY(print(streams.out, found));
            return done;
        }));
        return any;
    }
    MessageKeys keys(options, [&](std::string_view key) -> Result<void> {
        TRY(std::optional<std::string> value, query.find(key));
        found.clear();
        if (value)
            add(key, *value);
        return print(streams.out, found);
    });
    TRY(for_each_line(streams.in, [&](std::string_view line) {
        return keys.line(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
    }));
    TRY(keys.end());
    return any;
}

// proxywrite removes the keys, one by one.
Result<bool> erase_by_proxy(const std::string& table, const std::vector<std::string>& keys, const ToolOptions& options,
                            const ToolSettings& settings)
{
    ProxymapClient client(settings.proxywrite_socket);
    bool any = false;
    for (const std::string& key : keys) {
        proxymap::Request request{.command = proxymap::Command::Delete,
                                  .table = table,
                                  .keep_case = options.key_case == KeyCase::Keep,
                                  .key = key};
        TRY(proxymap::Reply reply, net::run_until_done(client.ask(std::move(request))));
        any = any || reply.status == proxymap::Status::Ok;
    }
    return any;
}

Result<bool> erase(const ToolOptions& options, const ToolSettings& settings, ToolStreams streams)
{
    std::vector<std::string> keys;
    if (options.key != "-")
        keys.push_back(options.key);
    else
        TRY(for_each_line(streams.in, [&](std::string_view key) -> Result<void> {
            keys.emplace_back(key);
            return {};
        }));
    bool any = false;
    for (const std::string& table : options.tables) {
        const std::string full = with_type(table, settings);
        const std::string type = full.substr(0, full.find(':'));
        if (type == "proxy") {
            TRY(bool removed, erase_by_proxy(full.substr(type.size() + 1), keys, options, settings));
            any = any || removed;
            continue;
        }
        if (!can_write(type) && std::ranges::binary_search(types(), type))
            return fail(ErrorKind::Unsupported, fmt::format("{} map requires O_RDONLY access mode", full));
        const std::string name = full.substr(type.size() + 1);
        TRY(std::unique_ptr<Table> existing, open(full, reader_options(options, settings)));
        WriterOptions writing = writer_options(options, settings);
        writing.start = Replacement::Start::CopyOfOld;
        TRY(std::unique_ptr<Writer> writer, open_writer(type, name, writing));
        bool removed = false;
        std::string buffer;
        for (const std::string& key : keys) {
            TRY(bool one, writer->remove(fold_key(key, options.key_case, buffer)));
            removed = removed || one;
        }
        if (removed)
            TRY(writer->commit());
        any = any || removed;
    }
    return any;
}

Result<bool> list(const ToolOptions& options, const ToolSettings& settings, ToolStreams streams)
{
    // postmap(1) lists the first table only.
    TRY(std::unique_ptr<Table> table,
        open(with_type(options.tables.front(), settings), reader_options(options, settings)));
    TRY(table->for_each([&](std::string_view key, std::string_view value) -> Result<void> {
        TRY(std::string text, shown(*table, key, std::string(value), options));
        std::string line;
        append_entry(line, options, key, text);
        return print(streams.out, line);
    }));
    return true;
}

}  // namespace

Result<void> for_each_line(std::FILE* in, const std::function<Result<void>(std::string_view)>& use)
{
    char* line = nullptr;
    std::size_t capacity = 0;
    Result<void> done;
    for (ssize_t length = 0; done && (length = ::getline(&line, &capacity, in)) > 0;) {
        std::string_view text(line, static_cast<std::size_t>(length));
        text.remove_suffix(text.ends_with('\n') ? 1 : 0);
        done = use(text);
    }
    std::free(line);
    if (done && std::ferror(in) != 0)
        return fail_errno("read standard input");
    return done;
}

WriterOptions writer_options(const ToolOptions& options, const ToolSettings& settings)
{
    return {.ending = options.ending,
            .berkeley_db_create_buffer_size = settings.berkeley_db_create_buffer_size,
            .lmdb_map_size = settings.lmdb_map_size};
}

Result<bool> run_tool(const ToolOptions& options, const ToolSettings& settings, ToolStreams streams)
{
    Result<bool> done = true;
    switch (options.action) {
    case ToolAction::Query:
        done = options.key == "-" ? query_stdin(options, settings, streams) : query_one(options, settings, streams);
        break;
    case ToolAction::Erase: done = erase(options, settings, streams); break;
    case ToolAction::List: done = list(options, settings, streams); break;
    case ToolAction::Build:
    case ToolAction::Update:
        for (const std::string& table : options.tables)
            TRY(build_table(with_type(table, settings), options, settings, streams));
        break;
    }
    if (std::fflush(streams.out) != 0)
        return fail_errno("write to standard output");
    return done;
}

}  // namespace posthaste::table
