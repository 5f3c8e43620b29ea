// ldap_table.cc — ldap:/file, ldap:name (ldap_table(5)): attributes of directory entries become the value of a key.
//
// OpenLDAP's library is in the module (module.h), which is loaded when a table is opened; what is done with entries
// stands in ldap_search.h. The servers of server_host are asked in their order. `timeout` bounds the whole lookup,
// whatever it takes: connecting, binding, all searches. Every failure is a Temporary error and leaves a warning.
#include "address/fold.h"
#include "base/text.h"
#include "table/ldap_search.h"
#include "table/ldap_settings.h"
#include "table/registry.h"
#include "table/server_threads.h"
#include "table/source_settings.h"
#include "table/text_source.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

class LdapTable final : public Table {
public:
    LdapTable(const OpenRequest& request, std::shared_ptr<const LdapSource> source, SearchDomains domains,
              ServerPlan plan)
        : Table(request.full), options_(request.options), source_(std::move(source)), domains_(std::move(domains)),
          threads_(std::move(plan))
    {
    }

    Lookup lookup(std::string_view key) override
    {
        std::string buffer;
        std::string folded(fold_key(key, options_.key_case, buffer));
        if (!address::is_valid_utf8(folded))  // RFC 4511 4.1.2: no directory has such a value
            return not_found();
        auto wanted = domains_.has(folded);
        if (!wanted)
            return Answer(fail(ErrorKind::Temporary, fmt::format("table {}: {}", name(), wanted.error().text())));
        if (!*wanted || !source_->query_filter.expand(folded, folded) || !source_->search_base.expand(folded, folded))
            return not_found();
        return ask(std::move(folded));
    }
    TableFlags flags() const override { return {.folds_case = options_.key_case == KeyCase::Fold}; }

private:
    net::Task<Answer> ask(std::string key)
    {
        auto work = [source = source_, key = std::move(key)](ServerConnection& connection, Moment deadline,
                                                             std::vector<std::string>& warnings) {
            return find_in_directory(*source, static_cast<LdapConnection&>(connection), key, deadline, warnings);
        };
        co_return answer_of(co_await threads_.ask(std::move(work)), name(), options_);
    }

    OpenOptions options_;
    std::shared_ptr<const LdapSource> source_;
    SearchDomains domains_;
    ServerThreads threads_;
};

std::vector<std::string> words_of(const std::string& text)
{
    const auto words = split(text, list_separators);
    return {words.begin(), words.end()};
}

LdapScope scope_of(const SourceSettings& file, const OpenOptions& options)
{
    const std::string text = file.text("scope", "sub");
    if (equal_ignoring_case(text, "one"))
        return LdapScope::One;
    if (equal_ignoring_case(text, "base"))
        return LdapScope::Base;
    if (!equal_ignoring_case(text, "sub"))
        warn(options, fmt::format("dict_ldap_open: {}: Unrecognized value {} specified for scope; using sub",
                                  file.path(), text));
    return LdapScope::Sub;
}

Result<ServerPlan> plan_of(const SourceSettings& file, const OpenOptions& options, const Module& module)
{
    constexpr int hour = 3600;
    ServerPlan plan{.order = HostOrder::AsListed};
    TRY(const LdapLogin login, ldap_login_of(file, options));
    TRY(int port, file.number("server_port", 389, 1, 65535));
    const std::string hosts = file.text("server_host", "localhost");
    for (std::string_view word : split(hosts, list_separators)) {
        LdapLogin one = login;
        one.uri = word.contains("://") ? std::string(word)
                  : word.rfind(':') != std::string_view::npos && word.back() != ']'
                      ? fmt::format("ldap://{}", word)
                      : fmt::format("ldap://{}:{}", word, port);
        ServerHost host{.name = one.uri, .is_unix = one.uri.starts_with("ldapi:")};
        host.connect = [connect = module.connect_ldap,
                        one](Moment deadline) -> Result<std::unique_ptr<ServerConnection>> {
            auto connection = connect(one, deadline);
            if (!connection)
                return fail(std::move(connection)
                                .error()
                                .in(fmt::format("dict_ldap_connect: Unable to bind to server {} with dn {}", one.uri,
                                                one.bind_dn.empty() ? "empty or implicit" : one.bind_dn)));
            return std::move(*connection);
        };
        plan.hosts.push_back(std::move(host));
    }
    if (plan.hosts.empty())
        return fail(ErrorKind::Invalid, fmt::format("{}: server_host names no host", file.path()));
    TRY(plan.time_limit, file.seconds("timeout", 10, 1, hour));
    return plan;
}

Result<std::shared_ptr<const LdapSource>> source_of(const SourceSettings& file, const OpenRequest& request)
{
    constexpr int most = 1 << 30;
    auto source = std::make_shared<LdapSource>();
    source->source = file.path();
    source->table = request.full;
    TRY(source->search_base, KeyTemplate::parse(file.text("search_base"), "query", file.path()));
    TRY(source->query_filter,
        KeyTemplate::parse(file.text("query_filter", "(mailacceptinggeneralid=%s)"), "query", file.path()));
    TRY(source->result_format,
        KeyTemplate::parse(file.text("result_format", file.text("result_filter", "%s")), "result", file.path()));
    if (const std::string filter = file.text("query_filter"); !filter.empty() && !filter.contains('%'))
        warn(request.options,
             fmt::format("dict_ldap_open: {}: Fixed query_filter {} is probably useless", file.path(), filter));
    source->result_attributes = words_of(file.text("result_attribute", "maildrop"));
    source->special_attributes = words_of(file.text("special_result_attribute"));
    source->terminal_attributes = words_of(file.text("terminal_result_attribute"));
    source->leaf_attributes = words_of(file.text("leaf_result_attribute"));
    source->scope = scope_of(file, request.options);
    TRY(source->recursion_limit, file.number("recursion_limit", 1000, 1, most));
    TRY(source->expansion_limit, file.number("expansion_limit", 0, 0, most));
    TRY(source->size_limit, file.number("size_limit", source->expansion_limit, 0, most));
    return source;
}

}  // namespace

Opened open_ldap(const OpenRequest& request)
{
    TRY(const Module* module, load_module(request.type, request.options));
    TRY(SourceSettings file, SourceSettings::of(request.name, request.options));
    TRY(auto source, source_of(file, request));
    TRY(ServerPlan plan, plan_of(file, request.options, *module));
    TRY(int level, file.number("debuglevel", 0, 0, 1 << 16));
    if (level > 0)
        module->set_ldap_debug_level(level);
    TRY(SearchDomains domains, SearchDomains::parse(file.text("domain"), request.options));
    return std::make_unique<LdapTable>(request, std::move(source), std::move(domains), std::move(plan));
}

}  // namespace posthaste::table
