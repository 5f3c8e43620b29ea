// unknown.cc — what is no command: answered, or, where it is no mail client that talks, ended. postconf(5)
// smtpd_forbidden_commands.
#include "daemon/smtpd/session.h"
#include "log/events_smtpd.h"

namespace posthaste::smtpd {

Task<Result<bool>> Session::is_forbidden(std::string word)
{
    // "Subject:" is a message header: somebody sends a message without knowing that nobody listens.
    if (word.size() > 1 && word.ends_with(':'))
        co_return true;
    co_return co_await shared_->forbidden_commands.matches_string(word);
}

Task<Session::Reply> Session::unknown_command(std::string word, std::string line)
{
    auto forbidden = co_await is_forbidden(std::move(word));
    if (!forbidden || !*forbidden)
        co_return Reply{500, "5.5.2 Error: command not recognized"};
    log::smtpd_non_smtp_command(client_.for_log, smtp::escape_for_log(line, 100));
    over_ = true;
    co_return Reply{221, "2.7.0 Error: I can break rules, too. Goodbye."};
}

}  // namespace posthaste::smtpd
