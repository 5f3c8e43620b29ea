// tool_build.cc — see tool_build.h.
#include "table/tool_build.h"

#include "base/fd.h"
#include "base/text.h"
#include "table/base64.h"
#include "table/registry.h"
#include "table/text_source.h"

#include <algorithm>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace posthaste::table {

namespace {

struct Source {
    std::string text;
    std::string name;  // in messages
    mode_t mode = 0644;
};

// While it lives, root acts with the rights of the source's owner: what that user may not write, we do not write for
// him. One command may make several tables of different owners, so that the rights come back.
class OwnerRights {
public:
    OwnerRights() = default;
    OwnerRights(const OwnerRights&) = delete;
    OwnerRights& operator=(const OwnerRights&) = delete;
    ~OwnerRights()
    {
        // Root that cannot become root again must not go on as somebody else.
        if (active_ && (seteuid(0) != 0 || setegid(group_) != 0 || setgroups(groups_.size(), groups_.data()) != 0))
            panic("cannot take root's rights back");
    }

    Result<void> take(const struct stat& source)
    {
        if (geteuid() != 0 || source.st_uid == 0)
            return {};
        groups_.resize(static_cast<std::size_t>(std::max(getgroups(0, nullptr), 0)));
        if (getgroups(static_cast<int>(groups_.size()), groups_.data()) < 0)
            return fail_errno("getgroups");
        group_ = getegid();
        if (setgroups(1, &source.st_gid) != 0 || setegid(source.st_gid) != 0 || seteuid(source.st_uid) != 0)
            return fail_errno(fmt::format("become user {}", source.st_uid));
        active_ = true;
        return {};
    }

private:
    std::vector<gid_t> groups_;
    gid_t group_ = 0;
    bool active_ = false;
};

Result<Source> read_source_file(const std::string& name, const ToolOptions& options, OwnerRights& rights)
{
    TRY(UniqueFd file, open_file(name, O_RDONLY));
    struct stat status{};
    if (fstat(file.get(), &status) != 0)
        return fail_errno(name);
    if (options.release_root)
        TRY(rights.take(status));
    Source source{.text = {}, .name = name};
    TRY(source.text, read_file(name, max_source_size));
    if (options.inherit_mode)
        source.mode = 0600 | (status.st_mode & 0044);
    return source;
}

Result<Source> read_standard_input(std::FILE* in)
{
    Source source{.text = {}, .name = "stdin"};
    TRY(for_each_line(in, [&](std::string_view line) -> Result<void> {
        if (source.text.size() + line.size() > max_source_size)
            return fail(ErrorKind::Limit, "standard input is too large");
        source.text.append(line).append(1, '\n');
        return {};
    }));
    return source;
}

// The content of the files that a value names, with line breaks between them (postmap -F).
Result<std::string> content_of_files(std::string_view names)
{
    std::string content;
    for (std::string_view name : split(names, list_separators)) {
        TRY(std::string one, read_file(std::string(name), max_source_size));
        content += (content.empty() ? "" : "\n") + one;
    }
    return encode_base64(content);
}

class Builder {
public:
    Builder(std::string full, const ToolOptions& options, std::string hostname, Source source, Writer& writer)
        : full_(std::move(full)), options_(options), hostname_(std::move(hostname)), source_(std::move(source)),
          writer_(writer)
    {
    }

    Result<void> run(SourceText allowed)
    {
        const SourceUse use{.entry = [this](const SourceEntry& entry) { return take(entry); },
                            .left_out = [](std::string_view message) -> Result<void> {
                                warn({}, message);
                                return {};
                            },
                            .remark = [](std::string_view message) { warn({}, message); }};
        TRY(read_source(source_.text, source_.name, options_.dialect, allowed, use));
        return options_.dialect == Dialect::Postalias ? alias_marks() : Result<void>();
    }

private:
    Result<void> take(const SourceEntry& entry)
    {
        if (!options_.file_values)
            return put(entry.key, entry.value);
        auto content = content_of_files(entry.value);
        if (content)
            return put(entry.key, *content);
        warn({}, fmt::format("{}, line {}: {}: skipping this entry", source_.name, entry.line, content.error().text()));
        return {};
    }

    Result<void> put(std::string_view key, std::string_view value)
    {
        std::string buffer;
        std::string_view folded = fold_key(key, options_.key_case, buffer);
        const bool replace = options_.duplicates == DuplicatePolicy::Replace;
        TRY(bool added, writer_.put(folded, value, replace ? OnDuplicate::Replace : OnDuplicate::Keep));
        if (!added && options_.duplicates == DuplicatePolicy::Warn)
            warn({}, fmt::format("{}: duplicate entry: \"{}\"", table_in_messages(), folded));
        return {};
    }

    // Berkeley DB tables are named by their file, LMDB tables by type and name, CDB tables by name, as Postfix does.
    std::string table_in_messages() const
    {
        if (full_.starts_with("cdb:"))
            return full_.substr(full_.find(':') + 1);
        return full_.starts_with("lmdb:") ? full_ : writer_.path();
    }

    // What Sendmail and NIS expect in an alias table: a mark that it is complete, its time, its machine.
    Result<void> alias_marks()
    {
        TRY(writer_.put("@", "@", OnDuplicate::Replace));
        TRY(writer_.put("YP_LAST_MODIFIED", fmt::format("{:010}", std::time(nullptr)), OnDuplicate::Replace));
        TRY(writer_.put("YP_MASTER_NAME", hostname_, OnDuplicate::Replace));
        return {};
    }

    std::string full_;
    const ToolOptions& options_;
    std::string hostname_;
    Source source_;
    Writer& writer_;
};

}  // namespace

Result<void> build_table(const std::string& full, const ToolOptions& options, const ToolSettings& settings,
                         ToolStreams streams)
{
    const std::string type = full.substr(0, full.find(':'));
    const std::string name = full.substr(type.size() + 1);
    const bool update = options.action == ToolAction::Update;
    if (type == "proxy" && !update)
        return fail(ErrorKind::Unsupported, "can't create maps via the proxy service");
    OwnerRights rights;
    TRY(Source source, update ? read_standard_input(streams.in) : read_source_file(name, options, rights));
    WriterOptions writing = writer_options(options, settings);
    writing.start = update ? Replacement::Start::CopyOfOld : Replacement::Start::Empty;
    writing.mode = source.mode;
    TRY(std::unique_ptr<Writer> writer, open_writer(type, name, writing));
    TRY(Builder(full, options, settings.myhostname, std::move(source), *writer)
            .run(options.utf8 && settings.smtputf8_enable ? SourceText::Utf8 : SourceText::AnyBytes));
    return writer->commit();
}

}  // namespace posthaste::table
