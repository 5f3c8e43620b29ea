// context.cc — see context.h.
#include "tls/context.h"

#include "base/fd.h"
#include "base/text.h"
#include "log/log.h"
#include "tls/context_impl.h"
#include "tls/options.h"
#include "tls/protocols.h"

#include <algorithm>
#include <cstdint>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string_view>
#include <utility>

namespace posthaste::tls {

namespace {

constexpr int deepest_chain = 100;
constexpr std::string_view separators = ", \t\r\n";

// What may hold a private key, wiped when it is no longer needed.
struct Secret {
    std::string text;

    static Result<Secret> read(const std::string& path)
    {
        TRY(std::string text, read_file(path, largest_file));
        return Secret{std::move(text)};
    }
    explicit Secret(std::string_view bytes) : text(bytes) {}
    explicit Secret(std::string&& bytes) : text(std::move(bytes)) {}
    Secret(Secret&&) = default;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    Secret& operator=(Secret&&) = delete;
    ~Secret() { OPENSSL_cleanse(text.data(), text.size()); }
};

// What is wrong with a file, and what OpenSSL says of it.
std::unexpected<Error> bad_file(const std::string& path, std::string_view what)
{
    const std::string reason = take_error("");
    return fail(ErrorKind::Invalid, path + ": " + std::string(what) + (reason.empty() ? "" : " (" + reason + ")"));
}

// After the last piece that could be read: whether that was because there is no other.
Result<void> expect_end(const std::string& path)
{
    const unsigned long error = ERR_peek_last_error();
    if (error != 0 && (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE))
        return bad_file(path, "a part that cannot be read");
    take_errors();
    return {};
}

Result<void> use_certificate_chain(SSL_CTX* context, const std::string& path)
{
    TRY(std::string text, read_file(path, largest_file));
    TRY(Bio bio, open_text(text));
    const Certificate own(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_password, nullptr));
    if (!own)
        return bad_file(path, "no certificate in PEM form");
    if (SSL_CTX_use_certificate(context, own.get()) != 1)
        return bad_file(path, "this certificate cannot be used");
    SSL_CTX_clear_chain_certs(context);
    while (X509* issuer = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) {
        if (SSL_CTX_add0_chain_cert(context, issuer) != 1) {
            X509_free(issuer);
            return bad_file(path, "a certificate behind the first one cannot be used");
        }
    }
    return expect_end(path);
}

Result<void> use_key(SSL_CTX* context, const KeyFiles& files)
{
    TRY(Secret secret, Secret::read(files.key));
    TRY(Bio bio, open_text(secret.text));
    const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
    if (!key)
        return bad_file(files.key, "no private key in PEM form, or one with a password");
    const bool belongs = X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) == 1;
    take_errors();
    if (!belongs || SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        return bad_file(files.key, "this key does not belong to the certificate in " + files.certificate);
    return {};
}

// postconf(5) smtpd_tls_chain_files: keys, each with its certificate and those of the issuers behind it, in any number
// of files that are read as if they were one.
class ChainReader {
public:
    explicit ChainReader(SSL_CTX* context) : context_(context) {}

    Result<void> read(const std::string& path)
    {
        TRY(Secret secret, Secret::read(path));
        TRY(Bio bio, open_text(secret.text));
        char* name = nullptr;
        char* header = nullptr;
        unsigned char* data = nullptr;
        long size = 0;
        bool found = false;
        while (PEM_read_bio(bio.get(), &name, &header, &data, &size) == 1) {
            const std::string kind(name);
            const Secret bytes(std::string_view(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)));
            OPENSSL_free(name);
            OPENSSL_free(header);
            OPENSSL_clear_free(data, static_cast<std::size_t>(size));
            TRY(take(path, kind, bytes.text));
            found = true;
        }
        TRY(expect_end(path));
        if (!found)
            return bad_file(path, "neither a private key nor a certificate in PEM form");
        return {};
    }

    Result<void> finish(const std::string& path)
    {
        if (key_ && !certificate_)
            return bad_file(path, "a private key without its certificate behind it");
        return install(path);
    }

private:
    Result<void> take(const std::string& path, std::string_view kind, const std::string& bytes)
    {
        const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
        const auto size = static_cast<long>(bytes.size());
        if (kind.ends_with("PRIVATE KEY")) {
            TRY(finish(path));
            key_.reset(d2i_AutoPrivateKey(nullptr, &data, size));
            if (!key_)
                return bad_file(path, "a private key that cannot be read, or one with a password");
        } else if (kind == PEM_STRING_X509 || kind == PEM_STRING_X509_TRUSTED || kind == PEM_STRING_X509_OLD) {
            Certificate certificate(d2i_X509(nullptr, &data, size));
            if (!certificate)
                return bad_file(path, "a certificate that cannot be read");
            if (!key_)
                return bad_file(path, "a certificate without its private key before it");
            if (!certificate_)
                certificate_ = std::move(certificate);
            else
                issuers_.push_back(std::move(certificate));
        }  // anything else, such as parameters of a key, says nothing here
        return {};
    }

    // What has been collected belongs together.
    Result<void> install(const std::string& path)
    {
        if (!certificate_)
            return {};
        if (SSL_CTX_use_certificate(context_, certificate_.get()) != 1)
            return bad_file(path, "a certificate that cannot be used");
        SSL_CTX_clear_chain_certs(context_);
        if (SSL_CTX_use_PrivateKey(context_, key_.get()) != 1 || SSL_CTX_check_private_key(context_) != 1)
            return bad_file(path, "a private key that does not belong to the certificate behind it");
        for (Certificate& issuer : issuers_) {
            if (SSL_CTX_add1_chain_cert(context_, issuer.get()) != 1)
                return bad_file(path, "an issuer's certificate that cannot be used");
        }
        key_.reset();
        certificate_.reset();
        issuers_.clear();
        return {};
    }

    SSL_CTX* context_;
    Key key_;
    Certificate certificate_;
    std::vector<Certificate> issuers_;
};

Result<void> use_keys(SSL_CTX* context, const ServerSettings& settings)
{
    const auto files = split(settings.chain_files, separators);
    ChainReader chains(context);
    for (std::string_view file : files)
        TRY(chains.read(std::string(file)));
    if (!files.empty())
        return chains.finish(std::string(files.back()));
    for (const KeyFiles& pair : settings.pairs) {
        TRY(use_certificate_chain(context, pair.certificate));
        TRY(use_key(context, pair));
    }
    return {};
}

Result<void> use_protocols(SSL_CTX* context, const ServerSettings& settings)
{
    auto parsed = parse_protocols(settings.protocols);
    if (!parsed)
        return fail(std::move(parsed.error()).in("Invalid TLS protocol list \"" + settings.protocols + "\""));
    Protocols protocols = *parsed;
    if (settings.anonymous && (protocols.highest == 0 || protocols.highest > TLS1_2_VERSION))
        protocols.highest = TLS1_2_VERSION;  // TLS 1.3 has no anonymous ciphers
    if (!leaves_some(protocols))
        return fail(ErrorKind::Invalid, "the TLS protocols \"" + settings.protocols + "\" leave none");
    if (SSL_CTX_set_min_proto_version(context, protocols.lowest) != 1 ||
        SSL_CTX_set_max_proto_version(context, protocols.highest) != 1)
        return fail(ErrorKind::Invalid, "protocol versions \"" + settings.protocols + "\" cannot be used");
    SSL_CTX_set_options(context, protocols.disabled);
    return {};
}

Result<Key> read_dh_parameters(const std::string& path)
{
    TRY(std::string text, read_file(path, largest_file));
    TRY(Bio bio, open_text(text));
    Key parameters(PEM_read_bio_Parameters(bio.get(), nullptr));
    if (!parameters || EVP_PKEY_get_base_id(parameters.get()) != EVP_PKEY_DH)
        return bad_file(path, "no DH parameters in PEM form");
    return parameters;
}

// Without a file of its own the server takes the parameters of a standard that fit its key.
void use_dh_parameters(SSL_CTX* context, const std::string& path, std::vector<std::string>& warnings)
{
    SSL_CTX_set_dh_auto(context, 1);
    if (path.empty() || path == "auto")
        return;
    auto parameters = read_dh_parameters(path);
    if (!parameters) {
        warnings.push_back(parameters.error().text() + " -- using compiled-in defaults");
        return;
    }
    if (SSL_CTX_set0_tmp_dh_pkey(context, parameters->get()) != 1) {
        warnings.push_back(path + ": these DH parameters cannot be used -- using compiled-in defaults");
        return;
    }
    static_cast<void>(parameters->release());  // the context has it now
    SSL_CTX_set_dh_auto(context, 0);           // it would win
}

// Groups that this OpenSSL knows: a default list names some that others lack. A context of their own is asked, because
// asking sets them.
std::string known_groups(SSL_CTX* scratch, std::string_view names, std::string_view kind,
                         std::vector<std::string>& warnings)
{
    std::string known;
    for (std::string_view name : split(names, ", \t\r\n:")) {
        const std::string one(name);
        if (SSL_CTX_set1_groups_list(scratch, one.c_str()) == 1)
            known += (known.empty() ? "" : ":") + one;
        else
            warnings.push_back("ignoring unknown " + std::string(kind) + " \"" + one + "\"");
        take_errors();
    }
    return known;
}

// Without a curve the choice is OpenSSL's: finite fields alone would leave out most clients.
void use_groups(SSL_CTX* context, const ServerSettings& settings, std::vector<std::string>& warnings)
{
    const ContextHandle scratch(SSL_CTX_new(TLS_server_method()));
    if (!scratch)
        return;
    std::string groups = known_groups(scratch.get(), settings.curves, "ECDHE curve", warnings);
    const std::string fields = known_groups(scratch.get(), settings.finite_fields, "FFDHE group", warnings);
    if (groups.empty())
        return;
    if (!fields.empty())
        groups += ':' + fields;
    SSL_CTX_set1_groups_list(context, groups.c_str());
}

// The first problem that was found with the client's chain. OpenSSL goes on to the next one, and tells the last.
int first_problem_index()
{
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

// The client's chain is judged, and what comes of it told by facts(); whether a client may go on is not for the
// handshake to decide.
int go_on(int ok, X509_STORE_CTX* store)
{
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto first = static_cast<int>(reinterpret_cast<std::intptr_t>(SSL_get_ex_data(ssl, first_problem_index())));
    if (ok == 0 && first == X509_V_OK) {
        first = X509_STORE_CTX_get_error(store);
        SSL_set_ex_data(ssl, first_problem_index(), reinterpret_cast<void*>(static_cast<std::intptr_t>(first)));
    }
    if (first != X509_V_OK)
        X509_STORE_CTX_set_error(store, first);
    return 1;
}

// Certificates and revocation lists of authorities; clients that are asked for a certificate are told their names.
Result<void> use_authority_file(SSL_CTX* context, const std::string& path)
{
    constexpr std::size_t largest_bundle = std::size_t{8} << 20;
    TRY(std::string text, read_file(path, largest_bundle));
    TRY(Bio bio, open_text(text));
    const auto free_all = [](STACK_OF(X509_INFO) * all) { sk_X509_INFO_pop_free(all, X509_INFO_free); };
    const std::unique_ptr<STACK_OF(X509_INFO), decltype(free_all)> all(
        PEM_X509_INFO_read_bio(bio.get(), nullptr, no_password, nullptr));
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    int found = 0;
    for (int i = 0; all && i < sk_X509_INFO_num(all.get()); ++i) {
        const X509_INFO* info = sk_X509_INFO_value(all.get(), i);
        if (info->x509) {
            X509_STORE_add_cert(store, info->x509);
            SSL_CTX_add_client_CA(context, info->x509);
            ++found;
        }
        if (info->crl)
            X509_STORE_add_crl(store, info->crl);
    }
    if (found == 0)
        return bad_file(path, "no certificates of authorities");
    take_errors();
    return {};
}

Result<void> use_authorities(SSL_CTX* context, const ServerSettings& settings)
{
    if (!settings.ca_file.empty())
        TRY(use_authority_file(context, settings.ca_file));
    if (!settings.ca_path.empty() && SSL_CTX_load_verify_locations(context, nullptr, settings.ca_path.c_str()) != 1)
        return bad_file(settings.ca_path, "no directory of certificates of authorities");
    if (settings.append_default_ca && SSL_CTX_set_default_verify_paths(context) != 1)
        return fail(ErrorKind::Invalid, "tls_append_default_CA: " + take_error("no default authorities"));
    if (!settings.ask_certificate)
        return {};
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, go_on);
    SSL_CTX_set_verify_depth(context, std::min(settings.verify_depth, deepest_chain) + 1);  // as Postfix counts: seen
    X509_VERIFY_PARAM_set_auth_level(SSL_CTX_get0_param(context), 1);  // no chain of MD5 or 512 bits is trusted
    return {};
}

void use_options(SSL_CTX* context, const ServerSettings& settings, std::vector<std::string>& warnings)
{
    const auto warn = [&](std::string_view parameter, const std::string& text, const std::vector<std::string>& words) {
        for (const std::string& word : words)
            warnings.push_back("unknown " + std::string(parameter) + " value \"" + word + "\" in \"" + text + "\"");
    };
    std::vector<std::string> unknown;
    SSL_CTX_set_options(context, SSL_OP_ALL & ~parse_workarounds(settings.workarounds_off, unknown));
    warn("tls_disable_workarounds", settings.workarounds_off, std::exchange(unknown, {}));
    // No mail client renegotiates; who asks for it again and again costs us a signature each time.
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_options(context, parse_options(settings.options, unknown));
    warn("tls_ssl_options", settings.options, unknown);
    if (settings.own_preference)
        SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    // Idle connections are many: their buffers of 16 KiB are freed. A write may go on with the rest from another place.
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);  // see Layer::read
    SSL_CTX_set_read_ahead(context, 1);
}

void log_step(const SSL* ssl, int where, int result)
{
    if ((where & SSL_CB_LOOP) != 0)
        log::info("SSL_accept:{}", SSL_state_string_long(ssl));
    else if ((where & SSL_CB_ALERT) != 0)
        log::info("SSL3 alert {}:{}:{}", (where & SSL_CB_READ) != 0 ? "read" : "write",
                  SSL_alert_type_string_long(result), SSL_alert_desc_string_long(result));
    else if ((where & SSL_CB_EXIT) != 0 && result <= 0 && SSL_want(ssl) == SSL_NOTHING)
        log::info("SSL_accept:error in {}", SSL_state_string_long(ssl));
}

// Sessions are resumed by tickets, which cost this process nothing; it keeps none itself.
void use_session_settings(SSL_CTX* context, const ServerSettings& settings)
{
    constexpr std::string_view name = "posthaste smtpd";
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(name.data()), name.size());
    const bool resumes = settings.session_timeout.count() > 0 && (SSL_CTX_get_options(context) & SSL_OP_NO_TICKET) == 0;
    SSL_CTX_set_session_cache_mode(context, settings.session_ids || resumes
                                                ? SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL
                                                : SSL_SESS_CACHE_OFF);
    if (resumes) {
        SSL_CTX_set_timeout(context, settings.session_timeout.count());
        SSL_CTX_set_num_tickets(context, 1);
        return;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
}

}  // namespace

ServerContext::ServerContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ServerContext::~ServerContext() = default;

Result<std::shared_ptr<const ServerContext>> ServerContext::open(const ServerSettings& settings,
                                                                 std::vector<std::string>& warnings)
{
    take_errors();
    auto impl = std::make_unique<Impl>();
    impl->handle.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* context = impl->handle.get();
    if (!context)
        return fail(ErrorKind::Limit, "TLS: " + take_error("out of memory"));
    // The grades decide what is good enough, not OpenSSL: a public server that wants more than "may" asks for gets the
    // same mail in the clear instead.
    SSL_CTX_set_security_level(context, 0);
    TRY(use_protocols(context, settings));
    if (SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) != 1)
        return fail(ErrorKind::Invalid, "the TLS ciphers \"" + settings.ciphers + "\" leave none");
    TRY(use_keys(context, settings));
    use_dh_parameters(context, settings.dh_parameters, warnings);
    use_groups(context, settings, warnings);
    TRY(use_authorities(context, settings));
    use_options(context, settings, warnings);
    use_session_settings(context, settings);
    if (settings.log_negotiation)
        SSL_CTX_set_info_callback(context, log_step);
    impl->asks_for_certificate = settings.ask_certificate;
    impl->digest = EVP_get_digestbyname(settings.fingerprint_digest.c_str());
    if (!impl->digest)
        return fail(ErrorKind::Invalid, "unknown digest algorithm \"" + settings.fingerprint_digest + "\"");
    take_errors();
    return std::shared_ptr<const ServerContext>(new ServerContext(std::move(impl)));
}

std::vector<std::string> files_of(const ServerSettings& settings)
{
    std::vector<std::string> files;
    for (std::string_view file : split(settings.chain_files, separators))
        files.emplace_back(file);
    if (files.empty()) {
        for (const KeyFiles& pair : settings.pairs) {
            files.push_back(pair.certificate);
            if (pair.key != pair.certificate)
                files.push_back(pair.key);
        }
    }
    if (!settings.ca_file.empty())
        files.push_back(settings.ca_file);
    if (settings.dh_parameters.starts_with('/'))
        files.push_back(settings.dh_parameters);
    return files;
}

}  // namespace posthaste::tls
