// explain.cc — see explain.h. The question, and the way through intake and routing; explain_admission.cc asks smtpd.
#include "command/postconf/explain.h"

#include "address/path.h"
#include "base/text.h"
#include "command/postconf/explain_parts.h"
#include "intake/address_rewriter.h"
#include "intake/recipients.h"
#include "intake/service_config.h"
#include "net/endpoint.h"
#include "net/tasks.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/qmgr.h"
#include "param/services.h"
#include "param/smtpd.h"
#include "routing/content_filter.h"
#include "routing/nexthop.h"
#include "routing/router.h"
#include "table/settings.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::command::postconf {

namespace {

constexpr std::string_view usage = "usage: postconf [-c config_dir] explain ADDRESS [--from SENDER] [--client IP "
                                   "[--helo NAME]] [--service NAME] [--json]";

struct TextOption {
    std::string_view name;
    std::string Question::* member;
};
constexpr TextOption text_options[] = {{"--from", &Question::sender},
                                       {"--client", &Question::client},
                                       {"--helo", &Question::helo},
                                       {"--service", &Question::service}};

// joe@example.com of "<joe@example.com>".
std::string without_brackets(std::string_view address)
{
    if (address.starts_with('<') && address.ends_with('>'))
        address = address.substr(1, address.size() - 2);
    return std::string(address);
}

using ConfigPtr = std::shared_ptr<const config::Config>;

// The snapshot of a service: main.cf with what its line in master.cf overrides.
Result<ConfigPtr> config_of(const std::string& directory, const config::MasterService* service)
{
    config::LoadOptions options;
    options.config_directory = directory;
    if (service != nullptr) {
        options.overrides = service->overrides;
        options.process_name = service->command;
        options.service_name = service->name;
    }
    return config::load(std::move(options));
}

const config::MasterService* find_local_service(const config::MasterCf& master_cf, std::string_view name)
{
    auto found = std::ranges::find_if(master_cf.services, [name](const config::MasterService& service) {
        return service.name == name && service.type != config::ServiceType::Inet;
    });
    return found == master_cf.services.end() ? nullptr : &*found;
}

// The router asks a list again where it needs the answer again.
std::vector<trace::StepRecord> once_each(std::vector<trace::StepRecord> steps)
{
    std::vector<trace::StepRecord> out;
    for (trace::StepRecord& step : steps) {
        const bool repeated = std::ranges::any_of(out, [&](const trace::StepRecord& earlier) {
            return earlier.what == step.what && earlier.subject == step.subject && earlier.result == step.result;
        });
        if (!repeated)
            out.push_back(std::move(step));
    }
    return out;
}

// What cleanup makes of the envelope.
void rewrite(const config::Config& config, routing::Router& router, queue::Envelope& envelope, Explanation& out)
{
    trace::Recorder recorder;
    auto rewriter = intake::AddressRewriter::open(config, router);
    auto mapper = rewriter ? intake::RecipientMapper::open(config, router, **rewriter) : fail(rewriter.error());
    if (!mapper) {
        out.error = mapper.error().text();
        return;
    }
    auto refused = [&out](const intake::Rejection& rejection) {
        out.error = rejection.detail.empty() ? rejection.reply() : rejection.detail;
    };
    if (!envelope.sender.empty())
        envelope.sender = router.canonical_form(envelope.sender, routing::RewriteContext::Local);
    if (!out.maps_addresses) {
        out.sender_steps = recorder.take();
        (*mapper)->complete(envelope, {});
        out.steps = recorder.take();
        return;
    }
    if (!envelope.sender.empty()) {
        auto sender = net::run_until_done((*rewriter)->rewrite(envelope.sender, intake::AddressPlace::EnvelopeSender));
        out.sender_steps = recorder.take();
        if (!sender)
            return refused(sender.error());
        envelope.sender = std::move(*sender);
    }
    auto mapped = net::run_until_done((*mapper)->map(&envelope, {}));
    out.steps = recorder.take();
    if (!mapped)
        refused(mapped.error());
}

Way way_of(const config::Config& config, routing::Router& router, const std::string& filter, const std::string& sender,
           const std::string& address)
{
    Way way{.address = address};
    trace::Recorder recorder;
    auto route = net::run_until_done(router.resolve(sender, address));
    if (route) {
        if (!route->malformed)
            routing::apply_filter(filter, config.get(param::default_filter_nexthop), &*route);
        way.route = std::move(*route);
        way.deferred = intake::lists_word(config.get(param::defer_transports), way.route->transport);
    } else {
        way.error = route.error().text();
    }
    way.steps = once_each(recorder.take());
    return way;
}

// What stands behind the first entry of a list matters only when that does not take the mail; postfix check tells it.
std::string problem_of(const std::string& nexthop, const routing::PortNames& ports)
{
    constexpr std::uint16_t smtp_port = 25;
    const auto entries = routing::parse_nexthops(nexthop, routing::Lookup::MailExchangers, smtp_port, ports);
    return entries.empty() || entries.front() ? std::string() : entries.front().error().text();
}

}  // namespace

Result<Question> parse_question(std::string config_directory, const std::vector<std::string>& words)
{
    Question question{.config_directory = std::move(config_directory)};
    std::vector<std::string> addresses;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (!word.starts_with("--")) {
            addresses.push_back(without_brackets(word));
            continue;
        }
        const std::string name = word.substr(0, word.find('='));
        const auto* option = std::ranges::find(text_options, name, &TextOption::name);
        if (word == "--json") {
            question.json = true;
        } else if (option == std::end(text_options)) {
            return fail(ErrorKind::Invalid, fmt::format("unknown option {}; {}", word, usage));
        } else if (name.size() < word.size()) {
            question.*option->member = word.substr(name.size() + 1);
        } else if (i + 1 < words.size()) {
            question.*option->member = words[++i];
        } else {
            return fail(ErrorKind::Invalid, fmt::format("option {} needs a value; {}", word, usage));
        }
    }
    if (addresses.size() != 1 || addresses.front().empty())
        return fail(ErrorKind::Invalid, fmt::format("one address is needed; {}", usage));
    question.address = std::move(addresses.front());
    question.sender = without_brackets(question.sender);
    if (!question.client.empty() && !net::Endpoint::ip(question.client, 0))
        return fail(ErrorKind::Invalid, fmt::format("--client: \"{}\" is no IP address", printable(question.client)));
    return question;
}

Result<Explanation> explain(Question question)
{
    Explanation out{.question = std::move(question)};
    TRY(std::string directory, config::find_directory(out.question.config_directory));
    TRY(config::MasterCf master_cf, config::load_master_cf(directory));
    TRY(const config::MasterService* server, server_of(master_cf, out.question.service));
    if (server != nullptr)
        out.service = fmt::format("{} {} ({})", server->name, config::name(server->type), server->place.text());
    TRY(out.config, config_of(directory, server));
    table::use_main_cf(out.config, table::ProxyUser::Itself);
    const std::string& filter = out.config->get(param::content_filter);
    out.maps_addresses = !intake::lists_word(out.config->get(param::receive_override_options), "no_address_mappings");
    TRY(ConfigPtr cleanup_config, intake::load_service_config(*out.config));
    TRY(ConfigPtr qmgr_config,
        config_of(directory, find_local_service(master_cf, out.config->get(param::queue_service_name))));
    TRY(auto cleanup_router, routing::Router::open(cleanup_config));
    TRY(auto router, routing::Router::open(qmgr_config, routing::Purpose::Routing));
    out.rewriting = router->rewriting();

    if (!out.question.client.empty() && server == nullptr)
        return fail(ErrorKind::NotFound, "--client: master.cf has no smtpd service");
    if (!out.question.client.empty())
        out.admission = ask_smtpd(*out.config, *server, out.question);

    queue::Envelope envelope;
    envelope.origin = queue::Origin::Smtpd;
    envelope.sender = address::unquote(out.question.sender);
    envelope.recipients.push_back({.address = address::unquote(out.question.address)});
    {
        const auto scope = table::OptionsScope::enter(cleanup_config);
        rewrite(*cleanup_config, *cleanup_router, envelope, out);
    }
    out.sender = envelope.sender;
    if (!out.error.empty())
        return out;
    const routing::PortNames ports(qmgr_config->get(param::known_tcp_ports));
    for (const queue::Recipient& recipient : envelope.recipients) {
        Way way = way_of(*qmgr_config, *router, filter, envelope.sender, recipient.address);
        if (way.route) {
            if (const auto* transport = find_local_service(master_cf, way.route->transport)) {
                way.program = fmt::format("{} ({})", transport->command, transport->place.text());
                if (config::is_smtp_client(*transport))
                    way.problem = problem_of(way.route->nexthop, ports);
            }
            way.limits = limits_of(*qmgr_config, *way.route);
        }
        out.ways.push_back(std::move(way));
    }
    return out;
}

int exit_status(const Explanation& explanation)
{
    constexpr int refused = 2;
    constexpr int temporary = 75;  // EX_TEMPFAIL of sysexits.h
    if (explanation.admission) {
        const Admission& admission = *explanation.admission;
        if (!admission.error.empty() || admission.reply.starts_with('4'))
            return temporary;
        if (admission.reply.starts_with('5'))
            return refused;
    }
    if (!explanation.error.empty())
        return temporary;
    for (const Way& way : explanation.ways) {
        if (way.route && way.route->transport == explanation.config->get(param::error_service_name))
            return refused;
        if (!way.route || way.deferred || way.program.empty() || !way.problem.empty() ||
            way.route->transport == routing::retry_transport)
            return temporary;
    }
    return 0;
}

}  // namespace posthaste::command::postconf
