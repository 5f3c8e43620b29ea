// client_connection.cc — see client_connection.h.
#include "smtp/client_connection.h"

#include <algorithm>

namespace posthaste::smtp {

namespace {
constexpr std::size_t content_step = std::size_t{256} << 10;
}

Task<Result<PeerReply>> ClientConnection::read_reply(std::chrono::seconds timeout)
{
    return read_reply(timeout, nullptr);
}

Task<Result<PeerReply>> ClientConnection::read_reply(std::chrono::seconds timeout, std::string* lines)
{
    net::Deadline deadline = net::Deadline::after(timeout);
    for (;;) {
        std::size_t used = 0;
        CO_TRY(std::optional<PeerReply> reply, take_reply(stream_.buffered(), used));
        if (reply) {
            if (lines)
                *lines = stream_.buffered().substr(0, used);
            if (transcript_)
                transcript_->received(stream_.buffered().substr(0, used));
            stream_.consume(used);
            co_return std::move(*reply);
        }
        CO_TRY(co_await stream_.fill(deadline));
    }
}

Task<Result<void>> ClientConnection::send(std::string_view commands, std::chrono::seconds timeout)
{
    if (transcript_)
        transcript_->sent(commands);
    return stream_.write_all(commands, net::Deadline::after(timeout));
}

Task<Result<PeerReply>> ClientConnection::command(std::string_view line, std::chrono::seconds timeout)
{
    CO_TRY(co_await send(line, timeout));
    co_return co_await read_reply(timeout);
}

Task<Result<void>> ClientConnection::send_content(std::string_view bytes, std::chrono::seconds timeout)
{
    while (!bytes.empty()) {
        std::string_view step = bytes.substr(0, content_step);
        CO_TRY(co_await stream_.write_all(step, net::Deadline::after(timeout)));
        bytes.remove_prefix(step.size());
    }
    co_return Result<void>{};
}

bool ClientConnection::is_quiet()
{
    if (!stream_.is_open() || !stream_.buffered().empty())
        return false;
    auto got = stream_.fill_now();
    return got && !*got;
}

}  // namespace posthaste::smtp
