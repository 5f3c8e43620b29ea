// service.cc — see service.h.
#include "daemon/proxymap/service.h"

#include "config/master_cf.h"
#include "daemon/proxymap/approved.h"
#include "log/log.h"
#include "param/local.h"
#include "param/process.h"
#include "param/proxymap.h"
#include "param/services.h"
#include "table/registry.h"
#include "table/settings.h"

#include <algorithm>
#include <unistd.h>

namespace posthaste::proxymap {

namespace {

table::KeyCase key_case_of(const Request& request)
{
    return request.keep_case ? table::KeyCase::Keep : table::KeyCase::Fold;
}

Result<std::unique_ptr<table::Writer>> writer_for(const std::string& name)
{
    const std::size_t colon = std::min(name.find(':'), name.size());
    return table::open_writer(name.substr(0, colon), name.substr(std::min(colon + 1, name.size())),
                              {.start = table::Replacement::Start::CopyOfOld});
}

// A cache begins empty. Where it cannot be made, the lookup says why it cannot be opened.
void make_if_missing(const std::string& name)
{
    if (auto writer = writer_for(name); writer && access((*writer)->path().c_str(), F_OK) != 0)
        if (auto made = (*writer)->commit(); !made)
            log::warning("{}: {}", name, made.error().text());
}

}  // namespace

Result<void> Service::before_jail()
{
    const config::Config& config = *context_->config;
    table::use_main_cf(context_->config, table::ProxyUser::Itself);
    writes_ = context_->service_name == config.get(param::proxywrite_service_name);
    approved_ = approved_tables(config.get(writes_ ? param::proxy_write_maps : param::proxy_read_maps));
    if (writes_)
        return {};
    for (const std::string& name : alias_tables()) {
        approved_.insert(name);
        table_for({.name = name, .substitutions = table::Substitutions::Refused});
    }
    return {};
}

// The tables of local(8), which asks for them whatever proxy_read_maps says: of main.cf, and of services of their own
// (-o alias_maps=...).
Service::Names Service::alias_tables() const
{
    const config::Config& config = *context_->config;
    Names names = listed_tables(config.get(param::alias_maps));
    if (auto master_cf = config::load_master_cf(config.directory()))
        for (const config::MasterService& service : master_cf->services)
            for (const auto& [parameter, value] : service.overrides)
                if (service.command == "local" && parameter == "alias_maps")
                    names.merge(listed_tables(config.expand(value)));
    return names;
}

bool Service::approved(const Request& request) const { return approved_.contains(request.table); }

void Service::refuse(const Request& request) const
{
    log::warning("request for unapproved table: \"{}\"", request.table);
    log::warning("to approve this table for {} access, list proxy:{} in main.cf:{}",
                 writes_ ? "read-write" : "read-only", request.table, writes_ ? "proxy_write_maps" : "proxy_read_maps");
}

table::Table& Service::table_for(Opening opening)
{
    opening.substitutions = table::substitutions_in(opening.name, opening.substitutions);
    auto& table = tables_[opening];
    if (!table) {
        if (writes_)
            make_if_missing(opening.name);
        table::OpenOptions options = table::process_options(opening.substitutions);
        options.key_case = opening.key_case;
        table = table::open_or_unavailable(opening.name, options);
    }
    return *table;
}

Task<Reply> Service::look_up(Request request)
{
    table::Table& table = table_for(
        {.name = request.table,
         .key_case = key_case_of(request),
         .substitutions = request.no_substitutions ? table::Substitutions::Refused : table::Substitutions::Allowed});
    table::Answer found = co_await table.lookup(request.key);
    Reply reply;
    if (!found)
        reply.reason = found.error().text();
    else
        reply.status = *found ? Status::Ok : Status::NotFound;
    if (found && *found)
        reply.value = std::move(**found);
    if (const auto owner = table.owner())
        reply.owner = *owner;
    co_return reply;
}

// Whoever changes a cache reads it through this service, too, and must find at once what was written.
Result<bool> Service::commit(const std::string& table, table::Writer& writer)
{
    TRY(writer.commit());
    for (const auto& [opening, open] : tables_)
        if (opening.name == table)
            TRY(open->reopen_if_changed());
    return true;
}

// The table's file is replaced as a whole, so that no reader sees half a change: a cost that grows with the table.
Reply Service::change(const Request& request)
{
    auto writer = writer_for(request.table);
    if (!writer)
        return {.status = Status::Retry, .reason = writer.error().text()};
    std::string buffer;
    const std::string_view key = table::fold_key(request.key, key_case_of(request), buffer);
    auto done = request.command == Command::Update ? (*writer)->put(key, request.value, table::OnDuplicate::Replace)
                                                   : (*writer)->remove(key);
    if (done && request.command == Command::Update)
        done = true;  // it was replaced where it was there
    if (done && *done)
        done = commit(request.table, **writer);
    if (!done)
        return {.status = Status::Retry, .reason = done.error().text()};
    return {.status = *done ? Status::Ok : Status::NotFound};
}

Task<Reply> Service::answer(Request request)
{
    if (request.command > Command::Delete || (request.command != Command::Lookup && !writes_))
        co_return Reply{.status = Status::Bad, .reason = "this service only reads"};
    if (!approved(request)) {
        refuse(request);
        co_return Reply{.status = Status::Denied};
    }
    if (request.command == Command::Lookup)
        co_return co_await look_up(std::move(request));
    co_return change(request);
}

Task<void> Service::serve(net::Stream client, net::Endpoint)
{
    ipc::Connection connection(std::move(client));
    const std::chrono::seconds timeout = context_->config->get(param::ipc_timeout);
    if (!co_await connection.handshake(proxymap_protocol, net::Deadline::after(timeout)))
        co_return;
    for (;;) {
        // Clients keep their connection; one that says nothing costs nothing.
        auto request = co_await connection.receive<Request>(net::Deadline::never());
        if (!request)
            co_return;
        const Reply reply = co_await answer(std::move(*request));
        log::flush();
        if (!co_await connection.send(reply, net::Deadline::after(timeout)))
            co_return;
    }
}

}  // namespace posthaste::proxymap
