// posthaste-ldap.so: connections of ldap: tables (table/module.h) through OpenLDAP's client library.
//
// Requests are sent and their answers waited for until the deadline, and so is each step of a SASL login; connecting,
// the beginning of TLS, and the question which SASL mechanisms the server has, keep to the library's own time limits,
// which are set from it.
#include "table/module.h"

#include <algorithm>
#include <fmt/format.h>
#include <ldap.h>
#include <sasl/sasl.h>
#include <string_view>

namespace posthaste::table {

namespace {

struct Unbind {
    void operator()(LDAP* connection) const { ldap_unbind_ext(connection, nullptr, nullptr); }
};
struct FreeMessage {
    void operator()(LDAPMessage* message) const { ldap_msgfree(message); }
};
struct FreeMemory {
    void operator()(char* memory) const { ldap_memfree(memory); }
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

// The message that answers a request, and a code that says why there is none.
std::pair<Message, int> message_to(LDAP* connection, int request, Moment deadline)
{
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

// The answer to a request, and the code that it ends with.
std::pair<Message, int> answer_to(LDAP* connection, int request, Moment deadline)
{
    auto [message, got] = message_to(connection, request, deadline);
    if (got != LDAP_SUCCESS)
        return {Message(), got};
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
        const auto answer = answer_to(handle_.get(), request, deadline);
        if (answer.second != LDAP_SUCCESS)
            return fail(failure(answer.second));
        std::vector<LdapEntry> entries;
        for (LDAPMessage* entry = ldap_first_entry(handle_.get(), answer.first.get()); entry != nullptr;
             entry = ldap_next_entry(handle_.get(), entry))
            entries.push_back(entry_of(entry));
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

    LdapEntry entry_of(LDAPMessage* message) const
    {
        LdapEntry entry;
        if (const Text dn(ldap_get_dn(handle_.get(), message)); dn)
            entry.dn = dn.get();
        BerElement* position = nullptr;
        for (Text name(ldap_first_attribute(handle_.get(), message, &position)); name;
             name.reset(ldap_next_attribute(handle_.get(), message, position))) {
            const Values values(ldap_get_values_len(handle_.get(), message, name.get()));
            std::vector<std::string> texts;
            for (berval** value = values.get(); value != nullptr && *value != nullptr; ++value)
                texts.emplace_back((*value)->bv_val, (*value)->bv_len);
            entry.attributes.emplace_back(name.get(), std::move(texts));
        }
        const std::unique_ptr<BerElement, FreeBer> end(position);
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

int set_options(LDAP* connection, const LdapLogin& login, Moment deadline)
{
    const auto least_factor = static_cast<ber_len_t>(login.sasl_minssf);
    int status = ldap_set_option(connection, LDAP_OPT_PROTOCOL_VERSION, &login.version);
    status |= set_time_limits(connection, deadline);
    if (login.bind == LdapBind::Sasl)
        status |= ldap_set_option(connection, LDAP_OPT_X_SASL_SSF_MIN, &least_factor);
    status |= ldap_set_option(connection, LDAP_OPT_DEREF, &login.dereference);
    status |= ldap_set_option(connection, LDAP_OPT_REFERRALS, login.chase_referrals ? LDAP_OPT_ON : LDAP_OPT_OFF);
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
    const auto answer = answer_to(connection, request, deadline);
    return answer.second == LDAP_SUCCESS ? ldap_install_tls(connection) : answer.second;
}

int bind_simply(LDAP* connection, const LdapLogin& login, Moment deadline)
{
    berval password{.bv_len = login.bind_pw.size(), .bv_val = const_cast<char*>(login.bind_pw.c_str())};
    int request = 0;
    const int sent =
        ldap_sasl_bind(connection, login.bind_dn.c_str(), LDAP_SASL_SIMPLE, &password, nullptr, nullptr, &request);
    return sent == LDAP_SUCCESS ? answer_to(connection, request, deadline).second : sent;
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
