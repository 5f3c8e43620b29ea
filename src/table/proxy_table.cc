// proxy_table.cc — proxy:type:name, the table type:name as proxymap(8) has it open.
//
// The key is folded there. Where no proxymap is to be asked (proxymap itself, processes that keep root), the table
// itself is opened.
#include "table/proxymap_client.h"
#include "table/registry.h"

namespace posthaste::table {

namespace {

class ProxyTable final : public Table {
public:
    ProxyTable(const OpenRequest& request, TableFlags flags)
        : Table(request.full), flags_(flags), key_case_(request.options.key_case),
          substitutions_(request.options.substitutions), table_(request.name),
          client_(ProxymapClient::at(request.options.proxymap_socket, request.name))
    {
    }

    Lookup lookup(std::string_view key) override { return ask(std::string(key)); }
    TableFlags flags() const override { return flags_; }
    std::optional<uid_t> owner() const override { return owner_; }
    Result<void> for_each(const Visitor&) override
    {
        return fail(ErrorKind::Unsupported, "can't sequence maps via the proxy service");
    }

private:
    net::Task<Answer> ask(std::string key)
    {
        CO_TRY(proxymap::Reply reply,
               co_await client_->ask({.table = table_,
                                      .keep_case = key_case_ == KeyCase::Keep,
                                      .no_substitutions = substitutions_ == Substitutions::Refused,
                                      .key = std::move(key)}));
        owner_ = reply.owner == proxymap::no_owner ? std::nullopt : std::optional(static_cast<uid_t>(reply.owner));
        if (reply.status == proxymap::Status::NotFound)
            co_return not_found();
        co_return found(reply.value);
    }

    TableFlags flags_;
    KeyCase key_case_;
    Substitutions substitutions_;
    std::string table_;
    std::shared_ptr<ProxymapClient> client_;
    std::optional<uid_t> owner_;  // as of the last answer
};

}  // namespace

Opened open_proxy(const OpenRequest& request)
{
    if (request.options.proxymap_socket.empty())
        return open(request.name, request.options);
    TRY(KeyMatch match, key_match(request.name));
    const bool folds = match == KeyMatch::Fixed && request.options.key_case == KeyCase::Fold;
    return std::make_unique<ProxyTable>(request, TableFlags{.match = match, .folds_case = folds});
}

}  // namespace posthaste::table
