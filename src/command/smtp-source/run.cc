// run.cc — what the sessions share; see sessions.h.
#include "command/smtp-source/sessions.h"

#include "log/log.h"
#include "testmail/command_line.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <utility>

namespace posthaste::command::smtp_source {

namespace {
// A busy loop may not wait for a long time: the ledger is not to lag behind by more than this, in bytes.
constexpr std::size_t enough_to_write = std::size_t{64} << 10;
}  // namespace

Run::Run(const Options& chosen, Content made, std::vector<net::Endpoint> resolved,
         std::optional<testmail::Ledger> opened)
    : options(chosen), content(std::move(made)), servers(std::move(resolved)),
      connecting(static_cast<std::size_t>(chosen.connecting > 0 ? chosen.connecting : chosen.sessions)),
      ledger_(std::move(opened))
{
}

std::optional<std::int64_t> Run::next_message()
{
    if (!has_next())
        return std::nullopt;
    return next_++;
}

void Run::completed()
{
    ++completed_;
    if (options.counter)
        fmt::print("{}\r{}", completed_, completed_ == options.messages ? "\n" : "");
}

void Run::acknowledged(std::int64_t message, std::span<const std::string> recipients)
{
    if (!ledger_ || recipients.empty())
        return;
    ledger_->add(content.id(message), recipients, std::chrono::system_clock::now());
    if (ledger_->waiting() >= enough_to_write)
        write_ledger();
}

void Run::refused(std::string_view what, std::string_view reply)
{
    std::string text = fmt::format("{}: {}", what, reply);
    if (!options.go_on)
        fail(text);
    log::warning("{}", text);
}

void Run::fail(std::string_view text)
{
    static_cast<void>(std::fflush(stdout));
    write_ledger();
    testmail::die(text);
}

void Run::write_ledger()
{
    if (!ledger_)
        return;
    Result<void> written = ledger_->write_out();
    if (!written)
        testmail::die(fmt::format("{}: {}", options.ledger, written.error().text()));
}

void Run::before_wait()
{
    write_ledger();
    if (options.counter)
        static_cast<void>(std::fflush(stdout));
}

}  // namespace posthaste::command::smtp_source
