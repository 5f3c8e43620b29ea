// client_connection.cc — see client_connection.h.
#include "smtp/client_connection.h"

#include <algorithm>
#include <cstdint>

namespace posthaste::smtp {

Task<Result<PeerReply>> ClientConnection::read_reply(std::chrono::seconds timeout)
{
    return read_reply(timeout, nullptr);
}

Task<Result<PeerReply>> ClientConnection::read_reply(std::chrono::seconds timeout, std::string* lines)
{
    net::Deadline deadline = net::Deadline::after(timeout);
    std::string filtered;
    for (;;) {
        const std::string_view came = options_.reply_filter ? std::string_view(filtered) : stream_.buffered();
        std::size_t used = 0;
        CO_TRY(std::optional<PeerReply> reply, take_reply(came, used));
        if (reply) {
            if (lines)
                *lines = came.substr(0, used);
            if (transcript_)
                transcript_->received(came.substr(0, used));
            if (options_.observer)
                options_.observer(Direction::Received, came.substr(0, used));
            if (!options_.reply_filter)
                stream_.consume(used);
            co_return std::move(*reply);
        }
        if (options_.reply_filter) {
            CO_TRY(bool more, co_await filter_line(&filtered));
            if (more)
                continue;
        }
        if (!options_.per_request_deadline)
            deadline = net::Deadline::after(timeout);
        CO_TRY(co_await stream_.fill(deadline));
    }
}

// Takes the next line that has come and appends what the filter makes of it. False: none is complete.
Task<Result<bool>> ClientConnection::filter_line(std::string* filtered)
{
    const std::string_view buffered = stream_.buffered();
    const std::size_t end = buffered.find('\n');
    if (std::min(end, buffered.size()) > longest_reply)
        co_return fail(ErrorKind::Limit, "reply is too long");
    if (end == std::string_view::npos)
        co_return false;
    std::string line(buffered.substr(0, end));
    stream_.consume(end + 1);
    if (line.ends_with('\r'))
        line.pop_back();
    CO_TRY(std::string changed, co_await options_.reply_filter(std::move(line)));
    filtered->append(changed).append("\r\n");
    co_return true;
}

Task<Result<void>> ClientConnection::send(std::string_view commands, std::chrono::seconds timeout)
{
    if (transcript_)
        transcript_->sent(commands);
    observe_sent(commands);
    net::Deadline deadline = net::Deadline::after(timeout);
    while (!commands.empty()) {
        CO_TRY(std::size_t written, co_await stream_.write_some(commands, deadline));
        commands.remove_prefix(written);
        if (!options_.per_request_deadline)
            deadline = net::Deadline::after(timeout);
    }
    co_return Result<void>{};
}

Task<Result<PeerReply>> ClientConnection::command(std::string_view line, std::chrono::seconds timeout)
{
    CO_TRY(co_await send(line, timeout));
    co_return co_await read_reply(timeout);
}

void ClientConnection::begin_content(std::chrono::seconds timeout)
{
    content_limit_ = timeout;
    content_left_ = timeout;
}

Task<Result<void>> ClientConnection::send_content(std::string_view bytes)
{
    while (!bytes.empty()) {
        const net::Clock::time_point begin = net::Clock::now();
        CO_TRY(std::size_t written, co_await stream_.write_some(bytes, net::Deadline::at(begin + content_left_)));
        bytes.remove_prefix(written);
        if (!options_.per_request_deadline)
            continue;
        // postconf(5) smtp_min_data_rate; what goes on between the writes is not the server's doing.
        const std::chrono::milliseconds earned(static_cast<std::int64_t>(written * 1000 / options_.min_data_rate));
        content_left_ = std::min(content_limit_, content_left_ - (net::Clock::now() - begin) + earned);
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
