// server_client.cc — see server_client.h.
#include "table/server_client.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <netdb.h>

namespace posthaste::table {

namespace {

using Endpoints = std::vector<net::Endpoint>;

// Blocks: at start-up and on helper threads only.
Result<Endpoints> look_up(const std::string& host, const std::string& port)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    int status = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
    if (status != 0)
        return fail(ErrorKind::Io,
                    fmt::format("host or service {}:{} not found: {}", host, port, gai_strerror(status)));
    Endpoints endpoints;
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next)
        endpoints.emplace_back(one->ai_addr, one->ai_addrlen);
    freeaddrinfo(list);
    return endpoints;
}

// What a helper thread leaves for the loop's thread; shared, because the waiting request may give up before.
struct HostLookup {
    Result<Endpoints> endpoints = Endpoints();
    net::Event done;
};

}  // namespace

Result<ServerAddress> ServerAddress::parse(std::string_view text)
{
    ServerAddress result;
    for (std::string_view prefix : {"unix:", "local:"})
        if (text.starts_with(prefix)) {
            result.path = text.substr(prefix.size());
            if (result.path.empty())
                return fail(ErrorKind::Invalid, "missing path of a UNIX-domain socket");
            return result;
        }
    if (text.starts_with("inet:"))
        text.remove_prefix(5);
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
        return fail(ErrorKind::Invalid, fmt::format("need host:port instead of \"{}\"", text));
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    result.host = host;
    result.port = text.substr(colon + 1);
    if (is_ascii_digit(result.port.front()) && !parse_number<std::uint16_t>(result.port))
        return fail(ErrorKind::Invalid, fmt::format("{}: garbage after numerical service", result.port));
    return result;
}

std::string ServerAddress::text() const { return path.empty() ? fmt::format("{}:{}", host, port) : path; }

ServerClient::ServerClient(ServerAddress address, std::chrono::milliseconds time_limit)
    : address_(std::move(address)), time_limit_(time_limit)
{
    if (!address_.path.empty()) {
        if (auto endpoint = net::Endpoint::unix_path(address_.path))
            endpoints_.push_back(*endpoint);
    } else if (auto found = look_up(address_.host, address_.port)) {
        endpoints_ = std::move(*found);
    }
}

void ServerClient::set_greeting(std::string request, CompleteReply complete, std::string expected)
{
    greeting_ = std::move(request);
    greeting_complete_ = std::move(complete);
    greeting_reply_ = std::move(expected);
}

net::Task<Result<void>> ServerClient::look_host_up(net::Deadline deadline)
{
    auto lookup = std::make_shared<HostLookup>();
    net::run_in_thread_pool([lookup, host = address_.host, port = address_.port] {
        auto endpoints = std::make_shared<Result<Endpoints>>(look_up(host, port));
        net::Loop::current().post([lookup, endpoints] {
            lookup->endpoints = std::move(*endpoints);
            lookup->done.set();
        });
    });
    CO_TRY(co_await lookup->done.wait(deadline));
    CO_TRY(endpoints_, std::move(lookup->endpoints));
    co_return Result<void>();
}

net::Task<Result<net::Stream>> ServerClient::connect_to_known(net::Deadline deadline)
{
    Error last(ErrorKind::Io, fmt::format("connect to {}: Cannot assign requested address", address_.text()));
    for (const net::Endpoint& endpoint : Endpoints(endpoints_)) {
        auto stream = co_await net::connect(endpoint, deadline);
        if (stream)
            co_return std::move(*stream);
        const bool timed_out = stream.error().kind() == ErrorKind::Timeout;
        last =
            Error(stream.error().kind(), fmt::format("connect to {}: {}", address_.text(),
                                                     timed_out ? "Connection timed out" : reason_of(stream.error())));
    }
    co_return fail(std::move(last));
}

net::Task<Result<net::Stream>> ServerClient::connect(net::Deadline deadline)
{
    auto stream = co_await connect_to_known(deadline);
    const bool has_name = address_.path.empty() && !net::Endpoint::ip(address_.host, 0);
    if (stream || !has_name || deadline.passed())
        co_return stream;
    CO_TRY(co_await look_host_up(deadline));
    co_return co_await connect_to_known(deadline);
}

net::Task<Result<ServerClient::Connection>> ServerClient::take_connection(net::Deadline deadline)
{
    if (!idle_.empty()) {
        Connection connection{.stream = std::move(idle_.back()), .reused = true};
        idle_.pop_back();
        co_return connection;
    }
    CO_TRY(net::Stream stream, co_await connect(deadline));
    if (!greeting_.empty()) {
        CO_TRY(std::string reply, co_await exchange(stream, greeting_, greeting_complete_, deadline));
        if (reply != greeting_reply_)
            co_return fail(ErrorKind::Denied,
                           fmt::format("{} refuses the connection: {}", address_.text(), printable(trim(reply))));
    }
    co_return Connection{.stream = std::move(stream)};
}

net::Task<Result<std::string>> ServerClient::exchange(net::Stream& stream, std::string_view request,
                                                      const CompleteReply& complete, net::Deadline deadline)
{
    CO_TRY(co_await stream.write_all(request, deadline));
    for (;;) {
        if (!stream.buffered().empty()) {
            CO_TRY(std::optional<std::size_t> size, complete(stream.buffered()));
            if (size) {
                std::string reply(stream.buffered().substr(0, *size));
                stream.consume(*size);
                co_return reply;
            }
        }
        CO_TRY(co_await stream.fill(deadline));
    }
}

net::Task<Result<std::string>> ServerClient::ask_within(std::string request, CompleteReply complete,
                                                        net::Deadline deadline)
{
    for (;;) {
        CO_TRY(Connection connection, co_await take_connection(deadline));
        auto reply = co_await exchange(connection.stream, request, complete, deadline);
        if (reply) {
            // Bytes behind a reply belong to no request: such a connection is not used again.
            if (connection.stream.buffered().empty() && idle_.size() < max_connections)
                idle_.push_back(std::move(connection.stream));
            co_return reply;
        }
        const bool stale =
            connection.reused && reply.error().kind() == ErrorKind::Closed && connection.stream.buffered().empty();
        if (!stale)
            co_return reply;
        idle_.clear();  // they are as old as this one
    }
}

net::Task<Result<std::string>> ServerClient::ask(std::string request, CompleteReply complete)
{
    const auto deadline = net::Deadline::after(time_limit_);
    CO_TRY(co_await connections_.acquire(deadline));
    // Given back whichever way the request ends, also when its task is destroyed.
    struct Permit {
        net::Semaphore& semaphore;
        ~Permit() { semaphore.release(); }
    } permit{connections_};
    co_return co_await ask_within(std::move(request), std::move(complete), deadline);
}

Result<std::optional<std::size_t>> complete_line(std::string_view received, std::size_t limit)
{
    const std::size_t end = received.substr(0, limit).find('\n');
    if (end != std::string_view::npos)
        return end + 1;
    if (received.size() >= limit)
        return fail(ErrorKind::Limit, fmt::format("text longer than {}", limit));
    return std::nullopt;
}

std::string_view reason_of(const Error& error)
{
    const auto says_something = [](std::string_view text) { return std::ranges::any_of(text, is_ascii_alpha); };
    std::string_view text = error.text();
    while (text.ends_with(' ') || text.ends_with(':'))
        text.remove_suffix(1);
    if (text.empty())
        return name(error.kind());
    std::size_t colon = text.rfind(": ");
    while (colon != std::string_view::npos && !says_something(text.substr(colon + 2)))
        colon = colon == 0 ? std::string_view::npos : text.rfind(": ", colon - 1);
    return colon == std::string_view::npos ? text : text.substr(colon + 2);
}

}  // namespace posthaste::table
