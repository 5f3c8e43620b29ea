// proxymap_client.cc — see proxymap_client.h.
#include "table/proxymap_client.h"

#include <cerrno>
#include <fmt/format.h>
#include <map>
#include <unistd.h>
#include <utility>

namespace posthaste::table {

std::shared_ptr<ProxymapClient> ProxymapClient::at(const std::string& socket, const std::string& table)
{
    static std::map<std::pair<std::string, std::string>, std::weak_ptr<ProxymapClient>> clients;
    auto& known = clients[{socket, table}];
    auto client = known.lock();
    if (!client)
        known = client = std::make_shared<ProxymapClient>(socket);
    return client;
}

ProxymapClient::ProxymapClient(std::string socket)
    : socket_(socket), client_(std::move(socket), proxymap::proxymap_protocol)
{
}

// The most likely reason is one that an administrator must hear of in plain words.
Error ProxymapClient::unreachable(const Error& error) const
{
    if (access(socket_.c_str(), F_OK) == 0 || errno != ENOENT)
        return {ErrorKind::Temporary, error.text()};
    const std::string service = socket_.substr(socket_.rfind('/') + 1);
    return {ErrorKind::Temporary,
            fmt::format("there is no {}: the mail system does not run, or master.cf has no line \"{} unix - - n - - "
                        "proxymap\"",
                        socket_, service)};
}

net::Task<Result<proxymap::Reply>> ProxymapClient::ask(proxymap::Request request)
{
    const std::string table = request.table;
    const bool reads = request.command == proxymap::Command::Lookup;
    auto reply = co_await client_.call<proxymap::Reply>(std::move(request), net::Deadline::after(proxymap_patience));
    if (!reply)
        co_return fail(unreachable(reply.error()));
    switch (reply->status) {
    case proxymap::Status::Ok:
    case proxymap::Status::NotFound: co_return std::move(*reply);
    case proxymap::Status::Denied:
        co_return fail(ErrorKind::Temporary, fmt::format("{} service is not configured for table \"{}\" (main.cf: {})",
                                                         reads ? "proxymap" : "proxywrite", table,
                                                         reads ? "proxy_read_maps" : "proxy_write_maps"));
    case proxymap::Status::Bad:
    case proxymap::Status::Retry: break;
    }
    co_return fail(ErrorKind::Temporary,
                   fmt::format("table proxy:{}: query error: {}", table, printable(reply->reason)));
}

}  // namespace posthaste::table
