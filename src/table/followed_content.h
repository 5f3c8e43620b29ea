// followed_content.h — what was read from a text file, and reading it again when the file changed. If the new
// version cannot be read, the old one stays in use and the reason is reported once for that version.
#pragma once

#include "table/followed_file.h"
#include "table/registry.h"

#include <fmt/format.h>
#include <functional>
#include <utility>

namespace posthaste::table {

template<class Content>
class FollowedContent {
public:
    using Reader = std::function<Result<Content>(const OpenRequest& request)>;

    // Reads for the first time; an error is the table's error. what: the file's content, as the warning calls it.
    static Result<FollowedContent> open(const OpenRequest& request, Reader reader, std::string_view what = "content")
    {
        FollowedContent result(request, std::move(reader), what);
        // A file that changes under the reading is read again.
        for (int attempt = 0; attempt < 3; ++attempt) {
            TRY(result.content_, result.reader_(request));
            if (!result.file_.changed_now())
                break;
        }
        return result;
    }

    Content& get()
    {
        if (file_.changed_and_at_rest())
            (void)read_again();
        return content_;
    }
    // Without a look at the file.
    [[nodiscard]] const Content& current() const { return content_; }
    Result<void> reread_if_changed() { return file_.changed_now() ? read_again() : Result<void>(); }
    [[nodiscard]] const OpenOptions& options() const { return options_; }
    [[nodiscard]] std::optional<uid_t> owner() const { return file_.owner(); }

private:
    FollowedContent(const OpenRequest& request, Reader reader, std::string_view what)
        : full_(request.full), type_(request.type), name_(request.name), options_(request.options),
          reader_(std::move(reader)), what_(what),
          file_(request.name.starts_with('{') ? FollowedFile() : FollowedFile(request.name))
    {
    }

    Result<void> read_again()
    {
        auto content = reader_({full_, type_, name_, options_});
        if (!content) {
            warn(options_, fmt::format("{}: keeping the previous {}: {}", full_, what_, content.error().text()));
            file_.could_not_open(content.error());
            return fail(std::move(content).error());
        }
        content_ = std::move(*content);
        return {};
    }

    std::string full_;
    std::string type_;
    std::string name_;
    OpenOptions options_;
    Reader reader_;
    std::string what_;
    FollowedFile file_;
    Content content_;
};

}  // namespace posthaste::table
