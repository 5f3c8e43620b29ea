// certificate_test.cc — certificates are made here, by the library that reads them.
#include "tls/certificate.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace posthaste::tls {
namespace {

class CertificateTest : public testing::Test {
protected:
    void SetUp() override
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "tls.XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }

    // name.pem and name.key
    void make(const std::string& name) const
    {
        EVP_PKEY* key = EVP_EC_gen("P-256");
        X509* certificate = X509_new();
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, key);
        X509_sign(certificate, key, EVP_sha256());
        std::FILE* file = std::fopen(path(name + ".pem").c_str(), "w");
        PEM_write_X509(file, certificate);
        std::fclose(file);
        file = std::fopen(path(name + ".key").c_str(), "w");
        PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(file);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }

    std::string directory_;
};

TEST_F(CertificateTest, a_pair_is_fine_and_has_an_end)
{
    make("a");
    auto facts = check_certificate(path("a.pem"), path("a.key"));
    ASSERT_TRUE(facts) << facts.error().text();
    const auto left = facts->expires - std::chrono::system_clock::now();
    EXPECT_GT(left, std::chrono::minutes(50));
    EXPECT_LE(left, std::chrono::minutes(60));
}

TEST_F(CertificateTest, the_key_of_another_certificate_is_found)
{
    make("a");
    make("b");
    auto facts = check_certificate(path("a.pem"), path("b.key"));
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().text(),
              path("b.key") + ": this key does not belong to the certificate in " + path("a.pem"));
}

TEST_F(CertificateTest, files_that_are_missing_or_hold_something_else_are_named)
{
    make("a");
    std::ofstream(path("text")) << "hello\n";
    EXPECT_EQ(check_certificate(path("none"), path("a.key")).error().kind(), ErrorKind::NotFound);
    EXPECT_EQ(check_certificate(path("text"), path("a.key")).error().text(),
              path("text") + ": no certificate in PEM form");
    EXPECT_EQ(check_certificate(path("a.pem"), path("text")).error().text(),
              path("text") + ": no private key in PEM form, or one with a password");
}

}  // namespace
}  // namespace posthaste::tls
