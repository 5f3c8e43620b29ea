// trouble.cc — see trouble.h.
#include "daemon/smtp/trouble.h"

#include <fmt/format.h>

namespace posthaste::smtp_client {

namespace {

dsn::Code code_of(const smtp::PeerReply& reply)
{
    if (auto code = dsn::parse_code(reply.enhanced_code))
        return *code;
    return {.status_class = static_cast<std::uint8_t>(reply.code / 100), .subject = 0, .detail = 0};
}

dsn::Outcome with_reply(dsn::Outcome outcome, const Target& target, const smtp::PeerReply& reply)
{
    outcome.relay = target.relay();
    outcome.remote_mta = target.host;
    outcome.diagnostic_type = "smtp";
    outcome.diagnostic = reply.text;
    return outcome;
}

}  // namespace

dsn::Outcome said(const Target& target, const smtp::PeerReply& reply, std::string_view in_reply_to)
{
    std::string text = fmt::format("host {} said: {} (in reply to {} command)", target.name(), reply.text, in_reply_to);
    if (reply.is_permanent())
        return with_reply(dsn::Outcome::bounced(code_of(reply), std::move(text)), target, reply);
    if (reply.is_temporary())
        return with_reply(dsn::Outcome::deferred(code_of(reply), std::move(text)), target, reply);
    // Neither yes nor no: nothing is known for certain.
    return with_reply(dsn::Outcome::deferred({4, 5, 0}, std::move(text)), target, reply);
}

dsn::Outcome refused(const Target& target, const smtp::PeerReply& reply)
{
    std::string text = fmt::format("host {} refused to talk to me: {}", target.name(), reply.text);
    auto make = reply.is_permanent() ? &dsn::Outcome::bounced : &dsn::Outcome::deferred;
    return with_reply(make(code_of(reply), std::move(text), "none"), target, reply);
}

dsn::Outcome broken(const Target& target, const Error& error, std::string_view stage)
{
    if (error.kind() == ErrorKind::Invalid || error.kind() == ErrorKind::Limit)
        return dsn::Outcome::deferred(
            {4, 5, 0}, fmt::format("Protocol error: host {} said: {} (while {})", target.name(), error.text(), stage),
            target.relay());
    if (error.kind() == ErrorKind::Temporary)  // a table of ours did not answer
        return local_trouble(target);
    std::string text = error.kind() == ErrorKind::Timeout
                           ? fmt::format("conversation with {} timed out while {}", target.name(), stage)
                           : fmt::format("lost connection with {} while {}", target.name(), stage);
    return dsn::Outcome::deferred({4, 4, 2}, std::move(text), target.relay());
}

dsn::Outcome local_trouble(const Target& target)
{
    return dsn::Outcome::deferred({4, 3, 0}, "local data error while talking to " + target.name(), target.relay());
}

dsn::Outcome not_connected(const Target& target, const Error& error)
{
    // The library's text is "connect to ADDRESS: REASON".
    std::string_view reason = error.text();
    if (std::size_t colon = reason.rfind(": "); colon != std::string_view::npos)
        reason.remove_prefix(colon + 2);
    if (error.kind() == ErrorKind::Timeout)
        reason = "Connection timed out";
    return dsn::Outcome::deferred({4, 4, 1}, fmt::format("connect to {}: {}", target.relay(), reason));
}

dsn::Outcome delivered(const Target& target, const smtp::PeerReply& reply)
{
    return with_reply(dsn::Outcome::delivered(code_of(reply), reply.text), target, reply);
}

}  // namespace posthaste::smtp_client
