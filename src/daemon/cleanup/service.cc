// cleanup(8), see service.h.
#include "daemon/cleanup/service.h"

#include "intake/missing_headers.h"
#include "intake/whole_lines.h"
#include "log/log.h"
#include "param/basics.h"
#include "server/queue_options.h"

#include <algorithm>
#include <chrono>

namespace posthaste::cleanup {

namespace {

constexpr auto peer_timeout = std::chrono::seconds(3600);  // postconf(5) ipc_timeout's default: a process of ours

Reply reply_of(const intake::Rejection& rejection)
{
    return {.ok = false,
            .temporary = rejection.fault == intake::Rejection::Fault::System,
            .queue_id = {},
            .smtp_code = rejection.smtp_code,
            .code = rejection.code.text(),
            .text = rejection.text};
}

void fill(queue::Envelope& envelope, Submit& request)
{
    envelope.sender = std::move(request.sender);
    envelope.sender_full_name = std::move(request.sender_full_name);
    envelope.dsn_envid = std::move(request.dsn_envid);
    envelope.dsn_return = queue::as_dsn_return(request.dsn_return);
    envelope.encoding = queue::as_body_encoding(request.encoding);
    envelope.smtputf8 = request.smtputf8;
    for (SubmitRecipient& recipient : request.recipients)
        envelope.recipients.push_back({.address = std::move(recipient.address),
                                       .original = std::move(recipient.original),
                                       .dsn_orcpt = std::move(recipient.dsn_orcpt),
                                       .notify = recipient.notify});
}

}  // namespace

// This process is the cleanup service: its own options are those that count.
Result<void> Service::before_jail()
{
    TRY(pipeline_, intake::Pipeline::open(context_.config));
    return {};
}

Result<void> Service::after_jail()
{
    queue::QueueOptions options = server::queue_options(*context_.config);
    reader_ = std::make_unique<queue::Reader>(options);
    return pipeline_->start(std::move(options), server::queue_manager_socket(*context_.config));
}

Task<void> Service::serve(net::Stream client, net::Endpoint)
{
    ipc::Connection connection(std::move(client));
    auto begun = co_await connection.handshake(cleanup_protocol, net::Deadline::after(peer_timeout));
    while (begun && !pipeline_->broken()) {
        // Clients keep their connections; the end of the stream ends the wait.
        auto request = co_await connection.receive<Submit>(net::Deadline::never());
        if (!request)
            break;
        auto reply = co_await accept(&connection, std::move(*request));
        if (!reply)
            break;
        if (auto sent = co_await connection.send(*reply, net::Deadline::after(peer_timeout)); !sent)
            break;
    }
    if (pipeline_->broken())
        context_.leave();
}

// An error ends the connection: the stream cannot be understood any more. Raw content is always read to its end.
Task<Result<Reply>> Service::accept(ipc::Connection* connection, Submit request)
{
    auto context = request.local_rewrite_context ? intake::RewriteContext::Local : intake::RewriteContext::Remote;
    auto message = pipeline_->begin({.origin = static_cast<queue::Origin>(std::min<std::uint8_t>(request.origin, 6)),
                                     .context = context,
                                     .client = {},
                                     .map_addresses = request.map_addresses});
    std::string content_of = request.content_of;
    std::uint64_t content_size = request.content_size;
    if (message) {
        fill(message->envelope(), request);
        const config::Config& config = pipeline_->config();
        message->add_own_headers(
            intake::received_line(config.get(param::myhostname), config.get(param::mail_name), message->envelope()));
        if (!request.headers.empty())
            message->add_own_headers(request.headers);
    }
    if (content_of.empty())
        CO_TRY(co_await copy_from_stream(&connection->stream(), content_size, message ? &*message : nullptr));
    if (!message)
        co_return reply_of(message.error());
    if (!content_of.empty())
        if (auto copied = co_await copy_from_queue(content_of, &*message); !copied)
            co_return reply_of(intake::Rejection(std::move(copied.error())));
    auto finished = co_await message->finish();
    if (!finished)
        co_return reply_of(finished.error());
    co_return Reply{
        .ok = true, .temporary = false, .queue_id = finished->queue_id(), .smtp_code = 250, .code = "2.0.0"};
}

Task<Result<void>> Service::copy_from_stream(net::Stream* stream, std::uint64_t size, intake::Message* message)
{
    std::optional<intake::WholeLines> lines;
    if (message != nullptr)
        lines.emplace(*message);
    while (size > 0) {
        if (stream->buffered().empty())
            CO_TRY(co_await stream->fill(net::Deadline::after(peer_timeout)));
        std::string_view piece = stream->buffered().substr(0, size);
        if (lines)
            lines->add(piece);
        size -= piece.size();
        stream->consume(piece.size());
        if (message != nullptr && message->unsettled())
            co_await message->settle();
    }
    if (lines)
        lines->finish();
    co_return Result<void>();
}

Task<Result<void>> Service::copy_from_queue(std::string reference, intake::Message* message)
{
    CO_TRY(queue::MessageRef ref, queue::MessageRef::parse(reference));
    CO_TRY(queue::StoredMessage source, reader_->open(ref));
    constexpr std::size_t piece_size = std::size_t{64} << 10;
    intake::WholeLines lines(*message);
    std::string_view rest = source.content();
    while (!rest.empty()) {
        lines.add(rest.substr(0, piece_size));
        rest.remove_prefix(std::min(piece_size, rest.size()));
        if (message->unsettled())
            co_await message->settle();
    }
    lines.finish();
    co_return Result<void>();
}

}  // namespace posthaste::cleanup
