// posthaste-ldap.so: connections of ldap: tables (table/module.h) through OpenLDAP's client library.
//
// Requests are sent and their answers waited for until the deadline, and so is each step of a SASL login; connecting,
// the beginning of TLS, and the question which SASL mechanisms the server has, keep to the library's own time limits,
// which are set from it. The library waits in poll(), but reads a message, or a packet of SASL or TLS, that has begun
// to arrive without looking at the time: so its sockets do not block, or, where only the library has its hands on them
// (referrals), only for so long.
#include "table/module.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <ldap.h>
#include <sasl/sasl.h>
#include <string_view>
#include <sys/socket.h>

namespace posthaste::table {

namespace {

struct Unbind {
    void operator()(LDAP* connection) const { ldap_unbind_ext(connection, nullptr, nullptr); }
};
struct FreeMessage {
    void operator()(LDAPMessage* message) const { ldap_msgfree(message); }
};
struct FreeMemory {
    void operator()(void* memory) const { ldap_memfree(memory); }
};
struct FreeValues {
    void operator()(berval** values) const { ldap_value_free_len(values); }
};
struct FreeUrl {
    void operator()(LDAPURLDesc* url) const { ldap_free_urldesc(url); }
};
struct FreeBer {
    void operator()(BerElement* element) const { ber_free(element, 0); }
};
using Handle = std::unique_ptr<LDAP, Unbind>;
using Message = std::unique_ptr<LDAPMessage, FreeMessage>;
using Text = std::unique_ptr<char, FreeMemory>;
using Values = std::unique_ptr<berval*, FreeValues>;

timeval until(Moment deadline)
{
    const auto left = std::chrono::ceil<std::chrono::microseconds>(deadline - std::chrono::steady_clock::now()).count();
    const long shortest = 1000;
    const long wait = std::max<long>(left, shortest);
    return {.tv_sec = wait / 1000000, .tv_usec = wait % 1000000};
}

ErrorKind kind_of(int code)
{
    switch (code) {
    case LDAP_SERVER_DOWN:
    case LDAP_UNAVAILABLE: return ErrorKind::Closed;
    case LDAP_TIMEOUT:
    case LDAP_TIMELIMIT_EXCEEDED: return ErrorKind::Timeout;
    case LDAP_NO_SUCH_OBJECT: return ErrorKind::NotFound;
    case LDAP_SIZELIMIT_EXCEEDED: return ErrorKind::Limit;
    default: return ErrorKind::Temporary;
    }
}

int last_code(LDAP* connection)
{
    int code = LDAP_OTHER;
    ldap_get_option(connection, LDAP_OPT_RESULT_CODE, &code);
    return code == LDAP_SUCCESS ? LDAP_OTHER : code;
}

// A read that finds nothing returns to the library's poll(), which knows the time: a server that stops or drips inside
// a message is given up. The library makes the socket block again when TLS begins.
void let_reads_return(LDAP* connection)
{
    int socket = -1;
    if (ldap_get_option(connection, LDAP_OPT_DESC, &socket) == LDAP_OPT_SUCCESS && socket >= 0)
        fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
}

// The message that answers a request, and a code that says why there is none.
std::pair<Message, int> message_to(LDAP* connection, int request, Moment deadline)
{
    let_reads_return(connection);
    timeval wait = until(deadline);
    LDAPMessage* raw = nullptr;
    const int type = ldap_result(connection, request, LDAP_MSG_ALL, &wait, &raw);
    Message message(raw);
    if (type == 0) {
        ldap_abandon_ext(connection, request, nullptr, nullptr);
        return {Message(), LDAP_TIMEOUT};
    }
    if (type < 0)
        return {Message(), last_code(connection)};
    return {std::move(message), LDAP_SUCCESS};
}

// The last message of an answer says how it ends; those before it are entries and references.
bool ends_with(LDAP* connection, LDAPMessage* message, ber_tag_t type)
{
    while (LDAPMessage* const next = ldap_next_message(connection, message))
        message = next;
    return static_cast<ber_tag_t>(ldap_msgtype(message)) == type;
}

// The answer to a request, and the code that it ends with. An answer that ends with a message of another `type` is
// nonsense.
std::pair<Message, int> answer_to(LDAP* connection, int request, ber_tag_t type, Moment deadline)
{
    auto [message, got] = message_to(connection, request, deadline);
    if (got != LDAP_SUCCESS)
        return {Message(), got};
    if (!ends_with(connection, message.get(), type))
        return {Message(), LDAP_PROTOCOL_ERROR};
    int code = LDAP_OTHER;
    const int parsed = ldap_parse_result(connection, message.get(), &code, nullptr, nullptr, nullptr, nullptr, 0);
    return {std::move(message), parsed == LDAP_SUCCESS ? code : parsed};
}

class OpenLdapConnection final : public LdapConnection {
public:
    explicit OpenLdapConnection(Handle handle) : handle_(std::move(handle)) {}

    Result<std::vector<LdapEntry>> search(const LdapQuery& query, Moment deadline) override
    {
        std::vector<char*> attributes;
        for (const std::string& name : query.attributes)
            attributes.push_back(const_cast<char*>(name.c_str()));
        attributes.push_back(nullptr);
        timeval wait = until(deadline);
        int request = 0;
        const int sent = ldap_search_ext(handle_.get(), query.base.c_str(), scope_of(query.scope), query.filter.c_str(),
                                         attributes.data(), 0, nullptr, nullptr, &wait, query.size_limit, &request);
        if (sent != LDAP_SUCCESS)
            return fail(failure(sent));
        const auto answer = answer_to(handle_.get(), request, LDAP_RES_SEARCH_RESULT, deadline);
        if (answer.second != LDAP_SUCCESS)
            return fail(failure(answer.second));
        std::vector<LdapEntry> entries;
        for (LDAPMessage* entry = ldap_first_entry(handle_.get(), answer.first.get()); entry != nullptr;
             entry = ldap_next_entry(handle_.get(), entry)) {
            TRY(entries.emplace_back(), entry_of(entry));
        }
        return entries;
    }

    std::optional<LdapQuery> query_of_url(const std::string& text) override
    {
        LDAPURLDesc* raw = nullptr;
        if (ldap_is_ldap_url(text.c_str()) == 0 || ldap_url_parse(text.c_str(), &raw) != LDAP_URL_SUCCESS)
            return std::nullopt;
        const std::unique_ptr<LDAPURLDesc, FreeUrl> url(raw);
        LdapQuery query;
        query.base = raw->lud_dn == nullptr ? "" : raw->lud_dn;
        query.filter = raw->lud_filter == nullptr ? "(objectClass=*)" : raw->lud_filter;
        query.scope = raw->lud_scope == LDAP_SCOPE_SUBTREE    ? LdapScope::Sub
                      : raw->lud_scope == LDAP_SCOPE_ONELEVEL ? LdapScope::One
                                                              : LdapScope::Base;
        for (char** name = raw->lud_attrs; name != nullptr && *name != nullptr; ++name)
            query.attributes.emplace_back(*name);
        return query;
    }

private:
    static int scope_of(LdapScope scope)
    {
        return scope == LdapScope::Sub   ? LDAP_SCOPE_SUBTREE
               : scope == LdapScope::One ? LDAP_SCOPE_ONELEVEL
                                         : LDAP_SCOPE_BASE;
    }

    static Error failure(int code)
    {
        return {kind_of(code), fmt::format("Search error {}: {}", code, ldap_err2string(code))};
    }

    // The library gives nothing both for what is not there and for what it cannot read: the code tells which.
    Result<LdapEntry> entry_of(LDAPMessage* message) const
    {
        int code = LDAP_SUCCESS;
        ldap_set_option(handle_.get(), LDAP_OPT_RESULT_CODE, &code);
        LdapEntry entry;
        if (const Text dn(ldap_get_dn(handle_.get(), message)); dn)
            entry.dn = dn.get();
        BerElement* position = nullptr;
        Text name(ldap_first_attribute(handle_.get(), message, &position));
        const std::unique_ptr<BerElement, FreeBer> end(position);
        for (; name; name.reset(ldap_next_attribute(handle_.get(), message, position))) {
            const Values values(ldap_get_values_len(handle_.get(), message, name.get()));
            std::vector<std::string> texts;
            for (berval** value = values.get(); value != nullptr && *value != nullptr; ++value)
                texts.emplace_back((*value)->bv_val, (*value)->bv_len);
            entry.attributes.emplace_back(name.get(), std::move(texts));
        }
        ldap_get_option(handle_.get(), LDAP_OPT_RESULT_CODE, &code);
        if (code != LDAP_SUCCESS)
            return fail(failure(code));
        return entry;
    }

    Handle handle_;
};

// An option of the library is of no use where the library does not know it (no TLS): then connecting fails with the
// code.
int set_text(LDAP* connection, int option, const std::string& value)
{
    return value.empty() ? LDAP_OPT_SUCCESS : ldap_set_option(connection, option, value.c_str());
}

// For what the library waits for by itself.
int set_time_limits(LDAP* connection, Moment deadline)
{
    const timeval limit = until(deadline);
    return ldap_set_option(connection, LDAP_OPT_NETWORK_TIMEOUT, &limit) |
           ldap_set_option(connection, LDAP_OPT_TIMEOUT, &limit);
}

// LDAP_OPT_CONNECT_CB, for each connection that the library makes: a read or a write lasts no longer than its own time
// limit where the socket may block.
int limit_socket(LDAP* connection, Sockbuf* buffer, LDAPURLDesc* /*url*/, sockaddr* /*address*/, ldap_conncb* /*self*/)
{
    int socket = -1;
    ber_sockbuf_ctrl(buffer, LBER_SB_OPT_GET_FD, &socket);
    timeval* limit = nullptr;
    ldap_get_option(connection, LDAP_OPT_NETWORK_TIMEOUT, static_cast<void*>(&limit));
    const std::unique_ptr<timeval, FreeMemory> end(limit);
    if (limit == nullptr)
        return -1;
    return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, limit, sizeof *limit) |
           setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, limit, sizeof *limit);
}

int limit_sockets(LDAP* connection)
{
    static ldap_conncb callbacks{
        .lc_add = limit_socket, .lc_del = [](LDAP*, Sockbuf*, ldap_conncb*) {}, .lc_arg = nullptr};
    return ldap_set_option(connection, LDAP_OPT_CONNECT_CB, &callbacks);
}

// LDAP_REBIND_PROC: a server that another refers to is asked without a login, which is as good as an anonymous one
// (RFC 4511 4.2.1). The library would make that itself, and wait for its answer without a limit.
int log_in_nowhere_else(LDAP* /*connection*/, const char* /*url*/, ber_tag_t /*request*/, ber_int_t /*message*/,
                        void* /*parameter*/)
{
    return LDAP_SUCCESS;
}

int set_options(LDAP* connection, const LdapLogin& login, Moment deadline)
{
    const auto least_factor = static_cast<ber_len_t>(login.sasl_minssf);
    int status = ldap_set_option(connection, LDAP_OPT_PROTOCOL_VERSION, &login.version);
    status |= set_time_limits(connection, deadline);
    status |= limit_sockets(connection);
    if (login.bind == LdapBind::Sasl)
        status |= ldap_set_option(connection, LDAP_OPT_X_SASL_SSF_MIN, &least_factor);
    status |= ldap_set_option(connection, LDAP_OPT_DEREF, &login.dereference);
    status |= ldap_set_option(connection, LDAP_OPT_REFERRALS, login.chase_referrals ? LDAP_OPT_ON : LDAP_OPT_OFF);
    status |= ldap_set_rebind_proc(connection, log_in_nowhere_else, nullptr);
    status |= ldap_set_option(connection, LDAP_OPT_RESTART, LDAP_OPT_ON);
    if (!login.start_tls && !login.uri.starts_with("ldaps:"))
        return status;
    status |= set_text(connection, LDAP_OPT_X_TLS_CACERTDIR, login.tls_ca_cert_dir);
    status |= set_text(connection, LDAP_OPT_X_TLS_CACERTFILE, login.tls_ca_cert_file);
    status |= set_text(connection, LDAP_OPT_X_TLS_CERTFILE, login.tls_cert);
    status |= set_text(connection, LDAP_OPT_X_TLS_KEYFILE, login.tls_key);
    status |= set_text(connection, LDAP_OPT_X_TLS_CIPHER_SUITE, login.tls_cipher_suite);
    const int required = login.tls_require_cert ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER;
    status |= ldap_set_option(connection, LDAP_OPT_X_TLS_REQUIRE_CERT, &required);
    const int client = 0;
    return status | ldap_set_option(connection, LDAP_OPT_X_TLS_NEWCTX, &client);
}

std::unexpected<Error> refused(LDAP* connection, int code)
{
    char* raw = nullptr;
    ldap_get_option(connection, LDAP_OPT_DIAGNOSTIC_MESSAGE, static_cast<void*>(&raw));
    const Text said(raw);
    const ErrorKind kind = kind_of(code) == ErrorKind::Timeout ? ErrorKind::Timeout : ErrorKind::Io;
    return fail(kind, fmt::format("{} ({}){}{}", code, ldap_err2string(code), said && *said ? ": " : "",
                                  said ? said.get() : ""));
}

int start_tls(LDAP* connection, Moment deadline)
{
    int request = 0;
    if (const int sent = ldap_start_tls(connection, nullptr, nullptr, &request); sent != LDAP_SUCCESS)
        return sent;
    const auto answer = answer_to(connection, request, LDAP_RES_EXTENDED, deadline);
    return answer.second == LDAP_SUCCESS ? ldap_install_tls(connection) : answer.second;
}

int bind_simply(LDAP* connection, const LdapLogin& login, Moment deadline)
{
    berval password{.bv_len = login.bind_pw.size(), .bv_val = const_cast<char*>(login.bind_pw.c_str())};
    int request = 0;
    const int sent =
        ldap_sasl_bind(connection, login.bind_dn.c_str(), LDAP_SASL_SIMPLE, &password, nullptr, nullptr, &request);
    return sent == LDAP_SUCCESS ? answer_to(connection, request, LDAP_RES_BIND, deadline).second : sent;
}

// What a mechanism wants to know; what it proposes itself, where the settings say nothing.
std::string_view sasl_value(const LdapLogin& login, const sasl_interact_t& question)
{
    const auto known = [&]() -> std::string_view {
        switch (question.id) {
        case SASL_CB_USER: return login.sasl_authz_id;
        case SASL_CB_AUTHNAME: return login.bind_dn;
        case SASL_CB_PASS: return login.bind_pw;
        case SASL_CB_GETREALM: return login.sasl_realm;
        default: return {};
        }
    }();
    return known.empty() && question.defresult != nullptr ? question.defresult : known;
}

// LDAP_SASL_INTERACT_PROC: answers a list of questions.
int answer_sasl(LDAP* /*connection*/, unsigned /*flags*/, void* login, void* list)
{
    for (auto* question = static_cast<sasl_interact_t*>(list); question->id != SASL_CB_LIST_END; ++question) {
        const std::string_view value = sasl_value(*static_cast<const LdapLogin*>(login), *question);
        question->result = value.empty() ? "" : value.data();
        question->len = static_cast<unsigned>(value.size());
    }
    return LDAP_SUCCESS;
}

// RFC 4513 5.2.1: the two sides go on until the server says that it is enough, or not.
int bind_with_sasl(LDAP* connection, const LdapLogin& login, Moment deadline)
{
    // TLS has taken some of the time.
    if (const int set = set_time_limits(connection, deadline); set != LDAP_OPT_SUCCESS)
        return LDAP_LOCAL_ERROR;
    if (const int connected = ldap_connect(connection); connected != LDAP_SUCCESS)
        return connected;
    let_reads_return(connection);
    const char* chosen = nullptr;
    Message answer;
    while (true) {
        int request = 0;
        const int code =
            ldap_sasl_interactive_bind(connection, nullptr, login.sasl_mechs.c_str(), nullptr, nullptr, LDAP_SASL_QUIET,
                                       answer_sasl, const_cast<LdapLogin*>(&login), answer.get(), &chosen, &request);
        if (code != LDAP_SASL_BIND_IN_PROGRESS)
            return code;
        auto next = message_to(connection, request, deadline);
        if (next.second != LDAP_SUCCESS)
            return next.second;
        answer = std::move(next.first);
    }
}

Result<std::unique_ptr<LdapConnection>> connect(const LdapLogin& login, Moment deadline)
{
    LDAP* raw = nullptr;
    if (const int made = ldap_initialize(&raw, login.uri.c_str()); made != LDAP_SUCCESS)
        return fail(ErrorKind::Temporary, fmt::format("{} ({})", made, ldap_err2string(made)));
    Handle handle(raw);
    if (set_options(raw, login, deadline) != LDAP_OPT_SUCCESS)
        return fail(ErrorKind::Temporary, "the library does not take an option: look at version, tls_...");
    if (login.start_tls)
        if (const int code = start_tls(raw, deadline); code != LDAP_SUCCESS)
            return refused(raw, code);
    if (login.bind == LdapBind::Simple)
        if (const int code = bind_simply(raw, login, deadline); code != LDAP_SUCCESS)
            return refused(raw, code);
    if (login.bind == LdapBind::Sasl)
        if (const int code = bind_with_sasl(raw, login, deadline); code != LDAP_SUCCESS)
            return refused(raw, code);
    return std::make_unique<OpenLdapConnection>(std::move(handle));
}

void set_debug_level(int level) { ldap_set_option(nullptr, LDAP_OPT_DEBUG_LEVEL, &level); }

}  // namespace

}  // namespace posthaste::table

extern "C" const posthaste::table::Module* posthaste_table_module()
{
    // The library sets itself up with the first option, which is not to be done by several threads at once, and not in
    // a jail: it loads the mechanisms of SASL, too.
    static const int version = [] {
        int number = LDAP_VERSION3;
        ldap_get_option(nullptr, LDAP_OPT_PROTOCOL_VERSION, &number);
        return number;
    }();
    static const posthaste::table::Module module{.connect_ldap = posthaste::table::connect,
                                                 .set_ldap_debug_level = posthaste::table::set_debug_level};
    return version == 0 ? nullptr : &module;
}
