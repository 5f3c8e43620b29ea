// connection_test.cc — our side of TLS against OpenSSL's client, over a socket pair.
#include "tls/connection.h"

#include "net/tasks.h"
#include "tls/openssl.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace posthaste::tls {
namespace {

using namespace std::chrono_literals;

class TlsConnection : public testing::Test {
protected:
    void SetUp() override
    {
        ::signal(SIGPIPE, SIG_IGN);  // as server::run() does
        std::string pattern = (std::filesystem::temp_directory_path() / "tls.XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
        write_certificate();
        settings_.pairs = {{directory_ + "/cert.pem", directory_ + "/key.pem"}};
        settings_.protocols = ">=TLSv1.2";
        settings_.ciphers = "HIGH";
        settings_.fingerprint_digest = "sha256";
        UniqueFd server = connect_both();
        MUST(set_nonblocking(server.get()));
        stream_ = net::Stream(std::move(server));
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    // A TCP connection: its buffers hold many small records.
    UniqueFd connect_both()
    {
        const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* where = reinterpret_cast<sockaddr*>(&address);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(listener.get(), where, size), 0);
        EXPECT_EQ(::listen(listener.get(), 1), 0);
        EXPECT_EQ(::getsockname(listener.get(), where, &size), 0);
        client_fd_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::connect(client_fd_.get(), where, size), 0);
        return UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }

    // Until so many bytes wait for the server.
    void wait_for_bytes(int wanted) const
    {
        for (int there = 0; there < wanted; std::this_thread::sleep_for(5ms))
            ASSERT_EQ(::ioctl(stream_.fd(), FIONREAD, &there), 0);
    }

    void write_certificate() const
    {
        const Key key(EVP_EC_gen("P-256"));
        const Certificate certificate(X509_new());
        ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
        X509_set_pubkey(certificate.get(), key.get());
        X509_sign(certificate.get(), key.get(), EVP_sha256());
        std::FILE* file = std::fopen((directory_ + "/cert.pem").c_str(), "w");
        PEM_write_X509(file, certificate.get());
        std::fclose(file);
        file = std::fopen((directory_ + "/key.pem").c_str(), "w");
        PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(file);
    }

    std::shared_ptr<const ServerContext> context()
    {
        std::vector<std::string> warnings;
        auto opened = ServerContext::open(settings_, warnings);
        EXPECT_TRUE(opened) << (opened ? "" : opened.error().text());
        return opened.value_or(nullptr);
    }

    // The client runs in a thread and blocks; it gets a connected SSL, or null if the handshake failed.
    std::jthread client(std::function<void(SSL*)> then)
    {
        return std::jthread([this, then = std::move(then)] {
            const ContextHandle context(SSL_CTX_new(TLS_client_method()));
            const SslHandle ssl(SSL_new(context.get()));
            SSL_set_fd(ssl.get(), client_fd_.get());
            then(SSL_connect(ssl.get()) == 1 ? ssl.get() : nullptr);
            ERR_clear();
        });
    }
    static void ERR_clear() { take_errors(); }

    Result<Facts> accept(std::chrono::milliseconds patience = 10s)
    {
        return net::run_until_done(tls::accept(&stream_, context(), net::Deadline::after(patience)));
    }

    std::string read_line()
    {
        while (stream_.buffered().find('\n') == std::string_view::npos) {
            if (!net::run_until_done(stream_.fill(net::Deadline::after(10s))))
                return "";
        }
        std::string line(stream_.buffered());
        stream_.consume(line.size());
        return line;
    }

    std::string directory_;
    ServerSettings settings_;
    UniqueFd client_fd_;
    net::Stream stream_;
};

TEST_F(TlsConnection, carries_both_directions_and_tells_what_was_agreed)
{
    std::string answer;
    auto peer = client([&](SSL* ssl) {
        ASSERT_NE(ssl, nullptr);
        SSL_write(ssl, "hello\n", 6);
        char text[100];
        answer.assign(text, static_cast<std::size_t>(std::max(SSL_read(ssl, text, sizeof text), 0)));
        SSL_shutdown(ssl);
    });
    auto facts = accept();
    ASSERT_TRUE(facts) << facts.error().text();
    EXPECT_EQ(facts->protocol, "TLSv1.3");
    EXPECT_EQ(summary(*facts), "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 "
                               "server-signature ECDSA (prime256v1) server-digest SHA256");
    EXPECT_EQ(trust(*facts), "Anonymous");
    EXPECT_EQ(read_line(), "hello\n");
    EXPECT_TRUE(net::run_until_done(stream_.write_all("an", "swer", net::Deadline::after(10s))));
    stream_.end_layer();
    auto end = net::run_until_done(stream_.fill(net::Deadline::after(10s)));
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().kind(), ErrorKind::Closed);
    peer.join();
    EXPECT_TRUE(answer == "answer" || answer == "an") << answer;
}

TEST_F(TlsConnection, moves_much_more_than_a_record_and_a_socket_hold)
{
    constexpr std::size_t size = 5'000'000;
    std::size_t echoed = 0;
    auto peer = client([&](SSL* ssl) {
        ASSERT_NE(ssl, nullptr);
        std::vector<char> buffer(100'000);
        for (int n; echoed < size && (n = SSL_read(ssl, buffer.data(), static_cast<int>(buffer.size()))) > 0;)
            echoed += static_cast<std::size_t>(n);
    });
    ASSERT_TRUE(accept());
    const std::string large(size, 'x');
    EXPECT_TRUE(net::run_until_done(stream_.write_all(large, net::Deadline::after(30s))));
    peer.join();
    EXPECT_EQ(echoed, size);
}

TEST_F(TlsConnection, forgets_what_was_said_before_it)
{
    ASSERT_EQ(::send(client_fd_.get(), "EHLO evil\r\n", 11, 0), 11);
    ASSERT_TRUE(net::run_until_done(stream_.fill(net::Deadline::after(10s))));
    auto peer = client([](SSL* ssl) {
        ASSERT_NE(ssl, nullptr);
        SSL_write(ssl, "inside\n", 7);
    });
    ASSERT_TRUE(accept());
    EXPECT_EQ(read_line(), "inside\n");
}

TEST_F(TlsConnection, is_ended_by_records_without_data)
{
    auto peer = client([](SSL* ssl) {
        ASSERT_NE(ssl, nullptr);
        for (int i = 0; i < 5000; ++i) {
            SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
            if (SSL_do_handshake(ssl) != 1)
                return;
        }
        SSL_write(ssl, "never\n", 6);
    });
    ASSERT_TRUE(accept());
    wait_for_bytes(80'000);
    auto filled = net::run_until_done(stream_.fill(net::Deadline::after(10s)));
    ASSERT_FALSE(filled);
    EXPECT_EQ(filled.error().text(), "too many TLS records without data");
    stream_.close();
}

TEST_F(TlsConnection, survives_a_few_changes_of_keys)
{
    auto peer = client([](SSL* ssl) {
        ASSERT_NE(ssl, nullptr);
        for (int i = 0; i < 10; ++i) {
            SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
            ASSERT_EQ(SSL_do_handshake(ssl), 1);
        }
        SSL_write(ssl, "still here\n", 11);
    });
    ASSERT_TRUE(accept());
    EXPECT_EQ(read_line(), "still here\n");
}

TEST_F(TlsConnection, is_an_error_with_the_librarys_words_when_no_tls_comes)
{
    ASSERT_EQ(::send(client_fd_.get(), "this is no handshake\r\n", 22, 0), 22);
    auto facts = accept();
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().kind(), ErrorKind::Invalid);
    EXPECT_NE(facts.error().text().find("wrong version number"), std::string::npos) << facts.error().text();
}

TEST_F(TlsConnection, ends_in_time_and_when_the_client_leaves)
{
    auto late = accept(100ms);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind(), ErrorKind::Timeout);
    client_fd_.reset();
    auto gone = accept();
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().kind(), ErrorKind::Closed);
}

TEST_F(TlsConnection, the_context_names_the_file_that_cannot_be_used)
{
    std::vector<std::string> warnings;
    settings_.pairs[0].key = directory_ + "/none";
    auto missing = ServerContext::open(settings_, warnings);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind(), ErrorKind::NotFound);
    EXPECT_NE(missing.error().text().find("/none"), std::string::npos);
    settings_.pairs[0].key = settings_.pairs[0].certificate;
    auto no_key = ServerContext::open(settings_, warnings);
    ASSERT_FALSE(no_key);
    EXPECT_NE(no_key.error().text().find("no private key"), std::string::npos) << no_key.error().text();
}

}  // namespace
}  // namespace posthaste::tls
