// service.h — proxymap(8): opens tables once for many processes, and for those that are in a jail or keep root.
// The service named proxymap_service_name reads, the one named proxywrite_service_name reads and changes.
#pragma once

#include "daemon/proxymap/protocol.h"
#include "net/stream.h"
#include "server/context.h"
#include "table/table.h"
#include "table/writer.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace posthaste::proxymap {

// Keeps every table that was asked for open; a reload replaces the process. One thread.
class Service {
public:
    explicit Service(server::Context& context) : context_(&context) {}

    // Alias tables are opened with root's rights, as local(8) would open them itself; all others by mail_owner.
    Result<void> before_jail();
    Task<void> serve(net::Stream client, net::Endpoint peer);

private:
    using Names = std::set<std::string, std::less<>>;
    // What makes a table another one than that of the same name.
    struct Opening {
        std::string name;
        table::KeyCase key_case = table::KeyCase::Fold;
        table::Substitutions substitutions = table::Substitutions::Allowed;
        auto operator<=>(const Opening&) const = default;
    };

    [[nodiscard]] Names alias_tables() const;
    [[nodiscard]] bool approved(const Request& request) const;
    void refuse(const Request& request) const;
    Task<Reply> answer(Request request);
    Task<Reply> look_up(Request request);
    Reply change(const Request& request);
    Result<bool> commit(const std::string& table, table::Writer& writer);
    table::Table& table_for(Opening opening);

    server::Context* context_;
    bool writes_ = false;
    Names approved_;
    std::map<Opening, std::unique_ptr<table::Table>> tables_;
};

}  // namespace posthaste::proxymap
