// How a message waits in maildrop/ for pickup(8), and how sendmail(1) hands it to postdrop(1): the same bytes.
//
//     "PHDROP1\n"                                     format name and version
//     netstring of the envelope                       (an attribute list, Submission)
//     netstrings of the content                       in wire form, cut anywhere
//     "0:,"                                           the end; what lacks it is incomplete
//
// A netstring is "<decimal length>:<bytes>,". Every program that reads this takes it for what a stranger wrote: the
// user owns the file's content, only the file's owner and time are facts. Limits: pieces of max_piece bytes, an
// envelope of max_envelope bytes. Postfix's own maildrop files are another format (queue/postfix_file.h).
#pragma once

#include "base/result.h"
#include "ipc/message.h"
#include "queue/envelope.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::intake {

struct SubmittedRecipient {
    std::string address;
    std::uint8_t notify = 0;  // queue::Notify

    static constexpr auto fields = ipc::fields(ipc::field("address", &SubmittedRecipient::address),
                                               ipc::field("notify", &SubmittedRecipient::notify));
};

// What the submitter says; pickup adds who he is (the file's owner) and when (its modification time).
struct Submission {
    std::string sender;  // internal form; empty: <>
    std::string full_name;
    std::string envid;  // RFC 3461, decoded
    std::string verp_delimiters;
    std::uint8_t dsn_return = 0;  // queue::DsnReturn
    std::uint8_t encoding = 0;    // queue::BodyEncoding
    std::uint8_t trace = 0;       // queue::Trace
    bool relayed = false;         // sendmail -G: not a user's own mail, whose addresses are completed as local ones
    std::vector<SubmittedRecipient> recipients;

    static constexpr auto fields = ipc::fields(
        ipc::field("sender", &Submission::sender), ipc::field("full_name", &Submission::full_name),
        ipc::field("envid", &Submission::envid), ipc::field("verp_delimiters", &Submission::verp_delimiters),
        ipc::field("dsn_return", &Submission::dsn_return), ipc::field("encoding", &Submission::encoding),
        ipc::field("trace", &Submission::trace), ipc::field("relayed", &Submission::relayed),
        ipc::field("recipients", &Submission::recipients));
};

// What the submission says, in the envelope: numbers and texts that sendmail(1) does not write are brought within
// their bounds. A submitter cannot ask for a probe of address verification, which leaves no trace in the queue.
void fill_envelope(queue::Envelope& envelope, const Submission& submission);

inline constexpr std::string_view maildrop_magic = "PHDROP1\n";
inline constexpr std::size_t max_piece = std::size_t{256} << 10;
inline constexpr std::size_t max_envelope = std::size_t{16} << 20;

// The bytes up to the content.
std::string begin_submission(const Submission& submission);
// Appends content as pieces; and the end.
void append_piece(std::string& out, std::string_view content);
inline constexpr std::string_view submission_end = "0:,";

// Reads the format from bytes that come in any portions. Errors are Invalid: the text says what is wrong.
class SubmissionReader {
public:
    // Bytes that follow those given before.
    void feed(std::string_view bytes) { buffer_.append(bytes); }
    // The envelope, once all of it is there.
    Result<std::optional<Submission>> envelope();
    // The next piece of content; no value: more bytes are needed, or the end has been seen. Valid until the next call.
    Result<std::optional<std::string_view>> piece();
    [[nodiscard]] bool complete() const { return complete_; }

private:
    Result<std::optional<std::string_view>> netstring(std::size_t limit);

    std::string buffer_;
    std::size_t at_ = 0;
    bool magic_seen_ = false;
    bool complete_ = false;
};

}  // namespace posthaste::intake
