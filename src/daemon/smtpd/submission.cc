// submission.cc — see submission.h.
#include "daemon/smtpd/submission.h"

#include "base/fd.h"
#include "base/text.h"
#include "intake/maildrop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <spawn.h>
#include <sys/wait.h>
#include <utility>

extern char** environ;

namespace posthaste::smtpd {

namespace {

// A running postdrop: its input and its answer. Destroyed before finish(): it sees the end of its input in the middle
// of a message and leaves nothing behind.
class Postdrop {
public:
    static Result<Postdrop> start(const std::string& program);
    Postdrop(Postdrop&& other) noexcept
        : input_(std::move(other.input_)), output_(std::move(other.output_)),
          process_(std::exchange(other.process_, -1))
    {
    }
    Postdrop& operator=(Postdrop&&) = delete;
    ~Postdrop()
    {
        if (process_ > 0)
            static_cast<void>(finish());
    }

    Result<void> write(std::string_view bytes) { return write_fully(input_.get(), bytes); }
    // The line that it answers: "ok <file name>" or "<status> <reason>".
    std::string finish();

private:
    Postdrop(UniqueFd input, UniqueFd output, pid_t process)
        : input_(std::move(input)), output_(std::move(output)), process_(process)
    {
    }
    UniqueFd input_;
    UniqueFd output_;
    pid_t process_;
};

Result<Postdrop> Postdrop::start(const std::string& program)
{
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (::pipe2(to.data(), O_CLOEXEC) != 0)
        return fail_errno("pipe");
    UniqueFd child_input(to[0]);
    UniqueFd input(to[1]);
    if (::pipe2(from.data(), O_CLOEXEC) != 0)
        return fail_errno("pipe");
    UniqueFd output(from[0]);
    UniqueFd child_output(from[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, child_input.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, child_output.get(), STDOUT_FILENO);
    std::string name = program;
    std::string option = "-r";
    std::array<char*, 3> arguments{name.data(), option.data(), nullptr};
    pid_t process = -1;
    int error = ::posix_spawn(&process, program.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return fail(Error::system(error, program));
    return Postdrop(std::move(input), std::move(output), process);
}

std::string Postdrop::finish()
{
    input_.reset();
    std::string line;
    std::array<char, 512> buffer{};
    for (;;) {
        ssize_t count = ::read(output_.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        line.append(buffer.data(), static_cast<std::size_t>(count));
    }
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR)
        continue;
    process_ = -1;
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0 && line.starts_with("ok ");
    if (!good && (line.empty() || line.starts_with("ok ")))
        line = "70 postdrop failed";
    return std::string(trim(line));
}

class Submitted final : public Incoming {
public:
    explicit Submitted(std::string program) : program_(std::move(program)) {}

    [[nodiscard]] const std::string& queue_id() const override { return no_queue_id_; }
    queue::Envelope& envelope() override { return envelope_; }
    void add_own_headers(std::string_view) override {}  // pickup(8) writes the Received: line of local mail
    void add_lines(std::string_view crlf_lines) override;
    [[nodiscard]] std::uint64_t size() const override { return size_; }
    Task<intake::Accepted<std::string>> finish() override;

private:
    Result<void> send(std::string_view bytes);
    Result<void> begin();

    std::string program_;
    std::string no_queue_id_;
    queue::Envelope envelope_;
    std::optional<Postdrop> postdrop_;
    std::optional<Error> failure_;
    std::uint64_t size_ = 0;
};

Result<void> Submitted::begin()
{
    TRY(Postdrop postdrop, Postdrop::start(program_));
    postdrop_.emplace(std::move(postdrop));
    intake::Submission submission;
    submission.sender = envelope_.sender;
    submission.envid = envelope_.dsn_envid;
    submission.dsn_return = static_cast<std::uint8_t>(envelope_.dsn_return);
    submission.encoding = static_cast<std::uint8_t>(envelope_.encoding);
    for (const queue::Recipient& recipient : envelope_.recipients)
        submission.recipients.push_back({recipient.address, recipient.notify});
    return postdrop_->write(intake::begin_submission(submission));
}

Result<void> Submitted::send(std::string_view bytes)
{
    if (!postdrop_)
        TRY(begin());
    return postdrop_->write(bytes);
}

void Submitted::add_lines(std::string_view crlf_lines)
{
    size_ += crlf_lines.size();
    while (!failure_ && !crlf_lines.empty()) {
        std::string piece;
        intake::append_piece(piece, crlf_lines.substr(0, intake::max_piece));
        crlf_lines.remove_prefix(std::min(crlf_lines.size(), intake::max_piece));
        if (auto sent = send(piece); !sent)
            failure_ = std::move(sent.error());
    }
}

Task<intake::Accepted<std::string>> Submitted::finish()
{
    if (!failure_) {
        if (auto sent = send(intake::submission_end); !sent)
            failure_ = std::move(sent.error());
    }
    std::string answer = postdrop_ ? postdrop_->finish() : std::string();
    postdrop_.reset();
    if (!failure_ && answer.starts_with("ok "))
        co_return answer.substr(3);
    co_return std::unexpected(intake::Rejection(failure_ ? std::move(*failure_) : Error(ErrorKind::Temporary, answer)));
}

}  // namespace

std::unique_ptr<Incoming> begin_submission(std::string program)
{
    return std::make_unique<Submitted>(std::move(program));
}

}  // namespace posthaste::smtpd
