// explain.cc — see explain.h.
#include "daemon/smtpd/explain.h"

#include "base/trace_record.h"
#include "daemon/smtpd/service.h"
#include "daemon/smtpd/session.h"
#include "log/log.h"
#include "net/tasks.h"
#include "param/basics.h"
#include "server/name_conversion.h"
#include "server/options.h"
#include "server/trace_json.h"
#include "smtp/path.h"
#include "table/registry.h"
#include "table/settings.h"
#include "tls/certificate.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string_view>

namespace posthaste::smtpd {

namespace {

using nlohmann::json;

constexpr std::size_t operand_count = 4;  // client, HELO, sender, recipient

struct Named {
    std::string_view parameter;
    const RestrictionList* list;
};

std::vector<Named> lists_of(const Shared& shared)
{
    return {{"smtpd_client_restrictions", &shared.client_restrictions},
            {"smtpd_helo_restrictions", &shared.helo_restrictions},
            {"smtpd_sender_restrictions", &shared.sender_restrictions},
            {"smtpd_relay_restrictions", &shared.relay_restrictions},
            {"smtpd_recipient_restrictions", &shared.recipient_restrictions},
            {"smtpd_data_restrictions", &shared.data_restrictions},
            {"smtpd_end_of_data_restrictions", &shared.end_of_data_restrictions},
            {"smtpd_etrn_restrictions", &shared.etrn_restrictions}};
}

// What names no table at all, such as hsah:/etc/postfix/access; empty if nothing is wrong. Whether tables open is
// looked at by postfix check itself.
std::string table_problem(const Restriction& restriction)
{
    if (!restriction.maps)
        return {};
    for (const auto& table : restriction.maps->tables()) {
        const std::string& name = table->name();
        if (table::is_type(name.substr(0, name.find(':'))))
            continue;
        if (auto opened = table::open(name); !opened)
            return fmt::format("restriction {}: {}: {}", restriction.name, name, opened.error().text());
    }
    return {};
}

void add_problems(std::string_view parameter, const RestrictionList& list, json& problems)
{
    for (const Restriction& restriction : list) {
        if (restriction.rule == Rule::Broken)
            problems.push_back({{"parameter", parameter}, {"text", restriction.argument}});
        else if (restriction.rule == Rule::List)
            add_problems(restriction.name, *restriction.list, problems);
        else if (std::string problem = table_problem(restriction); !problem.empty())
            problems.push_back({{"parameter", parameter}, {"text", std::move(problem)}});
    }
}

// A certificate or key that postfix check itself finds (check_certificates.cc): not to be said twice, unless it keeps
// mail away.
bool is_told_elsewhere(const Tls& tls)
{
    return tls.level() == TlsLevel::May && tls.settings().chain_files.empty() &&
           std::ranges::any_of(tls.settings().pairs, [&](const tls::KeyFiles& pair) {
               return (tls.problem().contains(pair.certificate) || tls.problem().contains(pair.key)) &&
                      !tls::check_certificate(pair.certificate, pair.key);
           });
}

std::string_view without_tls(const Tls& tls)
{
    if (tls.wrapped())
        return "until it is corrected, connections are dropped";
    return tls.level() == TlsLevel::Encrypt ? "until it is corrected, no mail is taken"
                                            : "until it is corrected, clients that ask for it are answered 454";
}

json check(const Shared& shared)
{
    json problems = json::array();
    for (const Named& named : lists_of(shared))
        add_problems(named.parameter, *named.list, problems);
    if (!shared.tls->problem().empty() && !is_told_elsewhere(*shared.tls))
        problems.push_back({{"parameter", "smtpd_tls_security_level"},
                            {"text", "TLS is not available: " + shared.tls->problem()},
                            {"until_then", without_tls(*shared.tls)}});
    return {{"problems", std::move(problems)}};
}

json ask(Shared& shared, const std::vector<std::string>& operands)
{
    auto peer = net::Endpoint::ip(operands[0], 0);
    if (!peer)
        return {{"error", "the client is no IP address: " + operands[0]}};
    trace::Recorder recorder;
    Session session(shared, net::Stream(), *peer);
    auto refused =
        net::run_until_done(session.explain({.helo = operands[1], .sender = operands[2], .recipient = operands[3]}));
    return {{"client", {{"address", session.client().address}, {"name", session.client().name}}},
            {"reply", refused ? refused->line() : "250 2.1.5 Ok"},
            {"steps", server::to_json(recorder.take())}};
}

Result<json> answer(std::string_view question, server::DaemonOptions options)
{
    if (question == "explain" && options.arguments.size() != operand_count)
        return fail(ErrorKind::Invalid, "usage: smtpd explain OPTIONS client helo sender recipient");
    server::Context context;
    context.process_name = "smtpd";
    context.service_name = options.service_name;
    context.service_type = options.service_type;
    context.overrides = options.overrides;
    TRY(context.config, config::load({.overrides = context.overrides,
                                      .process_name = context.process_name,
                                      .service_name = context.service_name}));
    server::set_name_conversion(*context.config);
    table::use_main_cf(context.config, table::ProxyUser::Itself);
    TRY(std::unique_ptr<Shared> shared, Shared::open(context));
    return question == "check" ? check(*shared) : ask(*shared, options.arguments);
}

}  // namespace

// What this client would hear, command by command. What a session does besides judging is left out.
Task<std::optional<smtp::Reply>> Session::explain(Question question)
{
    co_await identify_client();
    if (auto refused = co_await client_objection())
        co_return refused;
    std::string name = question.helo;
    if (net::Endpoint::ip(name, 0))
        name = client_.name == "unknown" ? "[" + client_.for_headers + "]" : client_.name;
    if (Reply reply = co_await helo(smtp::Verb::Ehlo, std::move(name)); reply.is_error())
        co_return reply;
    auto transaction = parse_mail("FROM:" + question.sender);
    if (!transaction)
        co_return std::move(transaction.error());
    transaction_ = std::move(*transaction);
    if (auto refused = co_await sender_objection())
        co_return refused;
    auto path = smtp::parse_path_argument("TO:" + question.recipient, "TO:", smtp::PathSyntax::Lenient);
    if (!path || path->address.empty())
        co_return Reply{501, "5.1.3 Bad recipient address syntax"};
    Target target{.address = std::move(path->address), .route = {}};
    co_return co_await check_recipient(&target);
}

bool is_question(int argc, char** argv)
{
    const std::string_view word = argc > 1 ? argv[1] : "";
    return word == "explain" || word == "check";
}

int explain(int argc, char** argv)
{
    log::init({.program = "smtpd", .to_stderr = false, .to_log = false});
    const std::string_view question = argv[1];
    auto options = server::parse_options(argc - 1, argv + 1);
    Result<json> said = options ? answer(question, std::move(*options)) : fail(options.error());
    if (!said)
        said = json{{"error", said.error().text()}};
    const std::string text = said->dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace posthaste::smtpd
