// Tests of the logger: line format, batching, syslog and postlogd datagrams, rotation.
#include "log/log.h"

#include "base/fd.h"
#include "log/sink.h"
#include "log/unwritten.h"
#include "net/endpoint.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <regex>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace posthaste::log {
namespace {

class LogTest : public testing::Test {
protected:
    LogTest()
    {
        std::string name = testing::TempDir() + "logXXXXXX";
        directory_ = ::mkdtemp(name.data());
    }
    ~LogTest() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] std::string path(const char* name) const { return directory_ + "/" + name; }
    [[nodiscard]] Options file_options() const
    {
        Options options;
        options.program = "smtpd";
        options.hostname = "myhostshort";
        options.maillog_file = path("mail.log");
        options.to_stderr = false;
        return options;
    }
    [[nodiscard]] std::string logged(const char* name = "mail.log") const { return read_file(path(name)).value_or(""); }

    static std::string receive(const UniqueFd& socket)
    {
        std::string datagram(65536, '\0');
        ssize_t length = ::recv(socket.get(), datagram.data(), datagram.size(), MSG_DONTWAIT);
        datagram.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
        return datagram;
    }

    std::string directory_;
};

TEST_F(LogTest, a_line_in_a_file_has_the_rfc_3164_form)
{
    init(file_options());
    info("connect from {}[{}]", "localhost", "127.0.0.1");
    warning("it is {}", "late");
    const std::string head = R"(\w{3} [ \d]\d \d\d:\d\d:\d\d myhostshort postfix/smtpd\[\d+\]: )";
    std::regex form(head + R"(connect from localhost\[127\.0\.0\.1\]\n)" + head + R"(warning: it is late\n)");
    EXPECT_TRUE(std::regex_match(logged(), form)) << logged();
}

TEST_F(LogTest, a_line_of_another_program_has_its_name_and_the_shared_tag)
{
    Options options = file_options();
    options.tag = "postfix/submission";
    options.shared_tag = "postfix";
    init(options);
    line("cleanup", "4Xyz: message-id=<a@b>");
    line("smtpd", "own");
    EXPECT_NE(logged().find(" postfix/cleanup["), std::string::npos);
    EXPECT_NE(logged().find(" postfix/submission/smtpd["), std::string::npos);
}

TEST_F(LogTest, control_characters_are_made_harmless)
{
    init(file_options());
    info("{}", "a\nfake line\r\x01\xff\xc3\xa9");
    EXPECT_NE(logged().find(": a?fake line???\xc3\xa9\n"), std::string::npos) << logged();
}

TEST_F(LogTest, debug_lines_need_verbosity)
{
    Options options = file_options();
    init(options);
    debug("hidden");
    options.verbosity = 1;
    init(options);
    debug("shown");
    EXPECT_EQ(logged().find("hidden"), std::string::npos);
    EXPECT_NE(logged().find("shown"), std::string::npos);
}

TEST_F(LogTest, a_renamed_file_is_opened_again)
{
    init(file_options());
    info("first");
    std::filesystem::rename(path("mail.log"), path("mail.log.1"));
    info("second");
    EXPECT_NE(logged("mail.log.1").find("first"), std::string::npos);
    EXPECT_EQ(logged().find("first"), std::string::npos);
    EXPECT_NE(logged().find("second"), std::string::npos);
}

TEST_F(LogTest, postlogd_gets_the_lines_while_it_listens_and_the_file_otherwise)
{
    Options options = file_options();
    options.postlog_socket = path("postlog");
    {
        auto socket = net::bind_datagram(*net::Endpoint::unix_path(options.postlog_socket));
        ASSERT_TRUE(socket) << socket.error().text();
        init(options);
        info("through the socket");
        std::string datagram = receive(*socket);
        EXPECT_TRUE(datagram.ends_with("]: through the socket")) << datagram;
    }
    info("nobody listens");
    EXPECT_NE(logged().find("nobody listens"), std::string::npos);
    EXPECT_EQ(logged().find("through"), std::string::npos);
}

TEST_F(LogTest, a_batch_to_postlogd_is_split_at_line_ends)
{
    std::string socket_path = path("postlog");
    auto socket = net::bind_datagram(*net::Endpoint::unix_path(socket_path));
    ASSERT_TRUE(socket);
    auto sink = make_file_sink(path("mail.log"), 0600, socket_path, SlowReader::Wait);
    std::string batch;
    while (batch.size() < 100'000)
        batch += std::string(99, 'x') + "\n";
    EXPECT_EQ(sink->write(batch, {}), batch.size());
    std::string received;
    for (std::string datagram; !(datagram = receive(*socket)).empty();)
        received += datagram + "\n";
    EXPECT_EQ(received, batch);
}

TEST_F(LogTest, syslog_gets_a_datagram_with_priority_for_each_line)
{
    std::string socket_path = path("log");
    auto socket = net::bind_datagram(*net::Endpoint::unix_path(socket_path));
    ASSERT_TRUE(socket);
    auto sink = make_syslog_sink(SlowReader::Wait, socket_path);
    std::array records{Record{4, 22}, Record{8, 20}};
    EXPECT_EQ(sink->write("one\ntwo\n", records), 8U);
    EXPECT_EQ(receive(*socket), "<22>one");
    EXPECT_EQ(receive(*socket), "<20>two");
}

TEST_F(LogTest, who_must_not_wait_gets_back_what_the_reader_has_no_room_for)
{
    std::string socket_path = path("postlog");
    auto socket = net::bind_datagram(*net::Endpoint::unix_path(socket_path));
    ASSERT_TRUE(socket);
    auto sink = make_file_sink(path("mail.log"), 0600, socket_path, SlowReader::Retry);
    while (sink->write("line\n", {}) == 5) {
    }
    receive(*socket);
    EXPECT_EQ(sink->write("line\n", {}), 5U);
    EXPECT_EQ(logged(), "");
}

TEST_F(LogTest, syslog_that_is_not_there_takes_nothing)
{
    auto sink = make_syslog_sink(SlowReader::Wait, path("absent"));
    std::array records{Record{4, 22}};
    EXPECT_EQ(sink->write("one\n", records), 0U);
}

TEST_F(LogTest, what_nobody_has_taken_is_known_and_offered_again)
{
    Options options = file_options();
    options.maillog_file = path("later/mail.log");
    init(options);
    EXPECT_FALSE(has_unwritten());
    info("kept");
    flush();
    EXPECT_TRUE(has_unwritten());
    std::filesystem::create_directory(path("later"));
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // once a second
    flush();
    EXPECT_FALSE(has_unwritten());
    EXPECT_NE(logged("later/mail.log").find("kept"), std::string::npos);
}

}  // namespace
}  // namespace posthaste::log
