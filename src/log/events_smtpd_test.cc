#include "log/events_smtpd.h"

#include "log/log.h"

#include <functional>
#include <gtest/gtest.h>

namespace posthaste::log {
namespace {

std::string written(const std::function<void()>& write_line)
{
    testing::internal::CaptureStderr();
    write_line();
    flush();
    return testing::internal::GetCapturedStderr();
}

constexpr const char* client = "mx.example.com[192.0.2.1]";

TEST(SmtpdLines, AccessDecisionNamesWhatIsKnown)
{
    AccessEvent event{.queue_id = "",
                      .action = "reject",
                      .stage = "CONNECT",
                      .client = client,
                      .text = "554 5.7.1 <x>: Client host rejected: Access denied",
                      .sender = {},
                      .recipient = {},
                      .protocol = "SMTP",
                      .helo = ""};
    EXPECT_NE(written([&] { smtpd_access(event); })
                  .find("NOQUEUE: reject: CONNECT from mx.example.com[192.0.2.1]: 554 5.7.1 <x>: Client host rejected: "
                        "Access denied; proto=SMTP\n"),
              std::string::npos);
    event.queue_id = "4ABC";
    event.sender = "a@b";
    event.recipient = "c@d";
    event.helo = "h";
    EXPECT_NE(written([&] { smtpd_access(event); }).find("; from=<a@b> to=<c@d> proto=SMTP helo=<h>\n"),
              std::string::npos);
}

TEST(SmtpdLines, SessionsEndInTheWordsOfTheChosenRelease)
{
    auto lost = [] { smtpd_session_end(SessionEnd::LostConnection, "4ABC", "DATA", 14, client); };
    EXPECT_NE(written(lost).find(": lost connection after DATA (14 bytes) from mx.example.com[192.0.2.1]\n"),
              std::string::npos);
    EXPECT_EQ(written(lost).find("4ABC"), std::string::npos);
    set_smtpd_wording("3.10");
    EXPECT_NE(written(lost).find("4ABC: lost connection after DATA (14 bytes) from"), std::string::npos);
    auto timeout = [] { smtpd_session_end(SessionEnd::Timeout, "", "CONNECT", {}, client); };
    EXPECT_NE(written(timeout).find("NOQUEUE: timeout after CONNECT from"), std::string::npos);
    set_smtpd_wording("3.7");
}

}  // namespace
}  // namespace posthaste::log
