// maildrop_file.h — one file of maildrop/, in the format of our postdrop(1) (intake/maildrop.h) or in the one that
// Postfix's postdrop(1) and postsuper(1) -r leave there (queue/postfix_file.h).
//
// Errors of kind Invalid, Corrupt and Limit mean that the file itself is wrong; others may pass.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "intake/maildrop.h"

#include <functional>
#include <string>
#include <string_view>

namespace posthaste::pickup {

class MaildropFile {
public:
    explicit MaildropFile(UniqueFd file) : file_(std::move(file)) {}

    // First the envelope, once; then the content, once, in pieces up to the mark that says that it is whole.
    Result<intake::Submission> envelope();
    Result<void> content(const std::function<void(std::string_view)>& use);

private:
    Result<bool> read_more();
    Result<intake::Submission> postfix_envelope();

    UniqueFd file_;
    intake::SubmissionReader reader_;
    std::string postfix_file_;  // all of it, if it is one
};

}  // namespace posthaste::pickup
