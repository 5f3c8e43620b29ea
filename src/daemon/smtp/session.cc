// session.cc — see session.h.
#include "daemon/smtp/session.h"

#include "base/text.h"
#include "daemon/smtp/trouble.h"
#include "log/log.h"

#include <sys/socket.h>

namespace posthaste::smtp_client {

namespace {

constexpr std::uint16_t smtp_port = 25;

// postconf(5) smtp_reply_filter.
Task<Result<std::string>> filter_reply(table::Maps* tables, std::string server, std::string line)
{
    auto found = co_await tables->find(line);
    if (!found) {
        log::warning("smtp_reply_filter: {}", found.error().text());
        co_return fail(ErrorKind::Temporary, found.error().text());
    }
    if (!*found)
        co_return line;
    log::info("{}: replacing server reply \"{}\" with \"{}\"", server, line, **found);
    co_return std::move(**found);
}

smtp::Observer log_of(const Target& target)
{
    return [peer = target.relay()](smtp::Direction direction, std::string_view lines) {
        direction == smtp::Direction::Sent ? server::log_sent(peer, lines) : server::log_received(peer, lines);
    };
}

smtp::ConnectionOptions connection_options(const Settings& settings, const Target& target, bool watched)
{
    smtp::ConnectionOptions options{.per_request_deadline = settings.per_request_deadline,
                                    .min_data_rate = settings.min_data_rate,
                                    .reply_filter = {},
                                    .observer = watched ? log_of(target) : smtp::Observer()};
    if (table::Maps* tables = settings.reply_filter.get())
        options.reply_filter = [tables, server = fmt::format("{}:{}", target.name(), target.address.port())](
                                   std::string line) { return filter_reply(tables, server, std::move(line)); };
    return options;
}

}  // namespace

Session::Session(const Settings& settings, Target target, net::Stream stream, bool watched)
    : settings_(&settings), target_(std::move(target)),
      connection_(std::move(stream), connection_options(settings, target_, watched)), created_(net::Clock::now())
{
}

Task<std::expected<std::unique_ptr<Session>, dsn::Outcome>> Session::open(const Settings& settings, Target target,
                                                                          bool* connected)
{
    net::Endpoint bind_to = target.address.family() == AF_INET    ? settings.bind_v4
                            : target.address.family() == AF_INET6 ? settings.bind_v6
                                                                  : net::Endpoint();
    auto deadline = net::Deadline::after(settings.timeouts.connect);
    auto stream = co_await net::connect(target.address, deadline, bind_to);
    if (!stream && stream.error().text().starts_with("bind ") && !settings.bind_enforce)
        stream = co_await net::connect(target.address, deadline);
    if (!stream)
        co_return std::unexpected(not_connected(target, stream.error()));
    *connected = true;
    const bool watched = co_await settings.watched_peers->includes(target.host, target.address.address());
    std::unique_ptr<Session> session(new Session(settings, std::move(target), std::move(*stream), watched));
    if (settings.notifies_protocol)
        session->connection_.keep_transcript();
    if (auto greeted = co_await session->greet(); !greeted)
        co_return std::unexpected(std::move(greeted).error());
    co_return session;
}

Task<std::expected<void, dsn::Outcome>> Session::greet()
{
    auto greeting = co_await connection_.read_reply(settings_->timeouts.helo);
    if (!greeting)
        co_return std::unexpected(broken(target_, greeting.error(), "receiving the initial server greeting"));
    if (!greeting->is_success()) {
        dsn::Outcome outcome = refused(target_, *greeting);
        // postconf(5) smtp_skip_5xx_greeting: another host may be more friendly.
        if (settings_->skip_5xx_greeting && outcome.action == dsn::Action::Bounced) {
            outcome.action = dsn::Action::Deferred;
            outcome.code = outcome.code.with_class(4);
        }
        quit_at_once();
        co_return std::unexpected(std::move(outcome));
    }
    if (auto loop = check_for_loop(*greeting); !loop)
        co_return loop;
    pix_ = co_await find_pix_workarounds(&settings_->pix, target_.address.address(), greeting->text);
    if (settings_->dialect == Dialect::Lmtp)
        co_return co_await hello("LHLO");
    const bool wants_ehlo = settings_->always_ehlo || greeting->text.contains("ESMTP");
    const bool try_ehlo = wants_ehlo && !settings_->never_ehlo && !pix_.disable_esmtp;
    if (try_ehlo) {
        auto ehlo = co_await hello("EHLO");
        // RFC 5321 3.2: a server that does not take EHLO, for whatever reason, is spoken to with HELO.
        if (ehlo || !connection_.stream().is_open())
            co_return ehlo;
    }
    co_return co_await hello("HELO");
}

Task<std::expected<void, dsn::Outcome>> Session::hello(std::string verb)
{
    std::string lines;
    auto sent = co_await connection_.send(verb + " " + settings_->helo_name + "\r\n", settings_->timeouts.helo);
    Result<smtp::PeerReply> reply = fail(ErrorKind::Closed, "not sent");
    if (sent)
        reply = co_await connection_.read_reply(settings_->timeouts.helo, &lines);
    if (!reply) {
        connection_.stream().close();
        const Error& why = sent ? reply.error() : sent.error();
        co_return std::unexpected(broken(target_, why, "performing the " + verb + " handshake"));
    }
    if (!reply->is_success()) {
        dsn::Outcome outcome = refused(target_, *reply);
        if (verb != "EHLO" || reply->code == 421)
            quit_at_once();
        co_return std::unexpected(std::move(outcome));
    }
    if (verb != "HELO" && !pix_.disable_esmtp)
        peer_ = smtp::parse_extensions(lines, co_await suppressed_extensions());
    co_return std::expected<void, dsn::Outcome>{};
}

// postconf(5) smtp_discard_ehlo_keywords, smtp_discard_ehlo_keyword_address_maps: both count.
Task<smtp::ExtensionSet> Session::suppressed_extensions() const
{
    smtp::ExtensionSet suppressed = settings_->suppressed;
    if (settings_->suppressed_by_address->empty())
        co_return suppressed;
    const std::string address = target_.address.address();
    auto found = co_await settings_->suppressed_by_address->find(address);
    std::vector<std::string> unknown;
    if (!found)
        log::warning("smtp_discard_ehlo_keyword_address_maps: {}", found.error().text());
    else if (*found)
        suppressed = suppressed.with(smtp::parse_discard_keywords(**found, unknown));
    for (const std::string& keyword : unknown)
        log::warning("smtp_discard_ehlo_keyword_address_maps: unknown keyword {}", keyword);
    co_return suppressed;
}

// A server of our own name, found through the mail domain on the port for mail from outside, is this system.
std::expected<void, dsn::Outcome> Session::check_for_loop(const smtp::PeerReply& reply) const
{
    std::string_view name = reply.first_line;
    name = name.substr(0, name.find(' '));
    if (settings_->dialect == Dialect::Smtp && target_.is_exchanger && target_.address.port() == smtp_port &&
        equal_ignoring_case(name, settings_->myhostname))
        return std::unexpected(dsn::Outcome::bounced(
            {5, 4, 6}, "host " + target_.name() + " greeted me with my own name", target_.relay()));
    return {};
}

void Session::quit_at_once()
{
    net::Stream& stream = connection_.stream();
    if (!stream.is_open())
        return;
    constexpr std::string_view quit = "QUIT\r\n";
    connection_.observe_sent(quit);
    // A courtesy: whether it arrives makes no difference to any mail.
    static_cast<void>(::send(stream.fd(), quit.data(), quit.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    stream.close();
}

}  // namespace posthaste::smtp_client
