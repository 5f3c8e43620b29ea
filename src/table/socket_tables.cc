// socket_tables.cc — socketmap:inet:host:port:name, socketmap:unix:/path:name (socketmap_table(5)) and tcp:host:port
// (tcp_table(5)): tables that another program answers for, in a protocol of one request and one reply.
//
// The server sees the key as it is, and is asked for whole keys only. A server that is down, slow or talks
// nonsense is a Temporary error, and the log says which.
#include "base/text.h"
#include "table/network_replies.h"
#include "table/registry.h"
#include "table/server_client.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

constexpr std::chrono::seconds time_limit{100};  // socketmap_table(5), tcp_table(5): not configurable

// What a lookup that failed answers; the reason has been logged.
Answer query_error(const std::string& table, const Error& cause)
{
    return fail(ErrorKind::Temporary, fmt::format("table {}: query error: {}", table, reason_of(cause)));
}

class SocketmapTable final : public Table {
public:
    SocketmapTable(const OpenRequest& request, ServerAddress address, std::string map)
        : Table(request.full), options_(request.options), client_(std::move(address), time_limit), map_(std::move(map))
    {
    }

    Lookup lookup(std::string_view key) override { return ask(fmt::format("{} {}", map_, key)); }
    TableFlags flags() const override { return {.match = KeyMatch::Pattern, .folds_case = false}; }

private:
    net::Task<Answer> ask(std::string request)
    {
        if (request.size() > options_.socketmap_max_query_size)
            co_return query_error(name(), Error(ErrorKind::Limit, "the query exceeds socketmap_max_query_size"));
        auto reply = co_await client_.ask(fmt::format("{}:{},", request.size(), request),
                                          [limit = options_.socketmap_max_reply_size](std::string_view text) {
                                              return size_of_netstring(text, limit);
                                          });
        if (!reply)
            co_return failed(reply.error());
        Answer answer = socketmap_answer(*reply);
        if (answer)
            co_return answer;
        warn(options_, fmt::format("{} {}", name(), answer.error().text()));
        co_return query_error(name(), answer.error());
    }
    Answer failed(const Error& error) const
    {
        std::string reason(reason_of(error));
        if (error.kind() == ErrorKind::Closed)
            reason = "unexpected disconnect";
        else if (error.text().starts_with("connect to "))
            warn(options_, error.text());
        warn(options_, fmt::format("table {} lookup error: {}", name(), reason));
        return query_error(name(), Error(error.kind(), reason));
    }

    OpenOptions options_;
    ServerClient client_;
    std::string map_;
};

class TcpTable final : public Table {
public:
    TcpTable(const OpenRequest& request, ServerAddress address)
        : Table(request.full), options_(request.options), server_(request.name), client_(std::move(address), time_limit)
    {
    }

    Lookup lookup(std::string_view key) override { return ask(fmt::format("get {}\n", tcp_encode(key))); }
    TableFlags flags() const override { return {.match = KeyMatch::Pattern, .folds_case = false}; }

private:
    net::Task<Answer> ask(std::string request)
    {
        if (request.size() > tcp_line_limit)
            co_return query_error(name(), Error(ErrorKind::Limit, "the key is too long"));
        auto reply = co_await client_.ask(std::move(request),
                                          [](std::string_view text) { return complete_line(text, tcp_line_limit); });
        if (!reply)
            co_return failed(reply.error());
        Answer answer = tcp_answer(*reply);
        if (!answer && answer.error().kind() == ErrorKind::Invalid)
            warn(options_, fmt::format("read TCP map reply from {}: {}", server_, answer.error().text()));
        co_return answer ? answer : query_error(name(), answer.error());
    }
    Answer failed(const Error& error) const
    {
        if (error.text().starts_with("connect to "))
            warn(options_, fmt::format("connect to TCP map {}: {}", server_, reason_of(error)));
        else
            warn(options_, fmt::format("read TCP map reply from {}: {}", server_,
                                       error.kind() == ErrorKind::Closed ? "unexpected EOF" : reason_of(error)));
        return query_error(name(), error);
    }

    OpenOptions options_;
    std::string server_;
    ServerClient client_;
};

}  // namespace

Opened open_socketmap(const OpenRequest& request)
{
    const std::size_t colon = request.name.rfind(':');
    if (colon == std::string::npos)
        return fail(ErrorKind::Invalid, "socketmap requires server:socketmap argument");
    const std::string server = request.name.substr(0, colon);
    const std::size_t kind = server.find(':');
    if (kind == std::string::npos)
        return fail(ErrorKind::Invalid, fmt::format("need service transport:endpoint instead of \"{}\"", server));
    const std::string transport = server.substr(0, kind);
    if (transport != "inet" && transport != "unix" && transport != "local")
        return fail(ErrorKind::Invalid, fmt::format("invalid transport name: {} in service: {}", transport, server));
    TRY(ServerAddress address, ServerAddress::parse(server));
    return std::make_unique<SocketmapTable>(request, std::move(address), request.name.substr(colon + 1));
}

Opened open_tcp(const OpenRequest& request)
{
    TRY(ServerAddress address, ServerAddress::parse("inet:" + request.name));
    return std::make_unique<TcpTable>(request, std::move(address));
}

}  // namespace posthaste::table
