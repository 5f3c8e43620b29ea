// maildrop_file.h — one file of maildrop/, in the format of our postdrop(1) (intake/maildrop.h) or in the one that
// Postfix's postdrop(1) and postsuper(1) -r leave there (queue/postfix_file.h).
//
// Errors of kind Invalid, Corrupt and Limit mean that the file itself is wrong; others may pass.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "intake/maildrop.h"

#include <optional>
#include <string>
#include <string_view>

namespace posthaste::pickup {

class MaildropFile {
public:
    explicit MaildropFile(UniqueFd file) : file_(std::move(file)) {}

    // First the envelope, once.
    Result<intake::Submission> envelope();
    // Then the content, piece by piece; no value: this was all of it, and the file says so. Valid until the next call.
    Result<std::optional<std::string_view>> piece();

private:
    Result<bool> read_more();
    Result<intake::Submission> postfix_envelope();
    Result<std::optional<std::string_view>> postfix_piece();

    UniqueFd file_;
    intake::SubmissionReader reader_;
    std::string postfix_file_;  // all of it, if it is one
    std::optional<std::string> postfix_content_;
    std::size_t postfix_content_at_ = 0;
};

}  // namespace posthaste::pickup
