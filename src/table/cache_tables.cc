// cache_tables.cc — memcache:/file (memcache_table(5)) and redis:/file: key-value servers, whose settings stand in the
// file, or for a bare name in main.cf (source_settings.h).
//
// memcache: settings memcache, backup, flags, ttl, key_format, domain, data_size_limit, line_size_limit, max_try,
// retry_pause, timeout. What the server does not have, or what it cannot be asked for, is looked up in `backup`, and a
// value that was found there is stored in the server for the next time. With a backup a server that is down costs
// speed only; without one its failure is a Temporary error.
//
// redis: redis, user, password, database, hash (then HGET hash key instead of GET key), key_format, result_format,
// domain, max_try, retry_pause, timeout. Only lookups; a failing server is a Temporary error.
#include "table/key_template.h"
#include "table/network_replies.h"
#include "table/registry.h"
#include "table/server_client.h"
#include "table/source_settings.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

// What both have: which keys are asked for and how, and how often a failing server is tried.
struct CacheSettings {
    KeyTemplate key_format;
    SearchDomains domains;
    ServerAddress server;
    int max_try = 2;
    std::chrono::seconds retry_pause{1};
    std::chrono::seconds timeout{2};

    static Result<CacheSettings> from(const SourceSettings& file, std::string_view server, const OpenOptions& options)
    {
        constexpr int hour = 3600;
        CacheSettings result;
        TRY(result.key_format, KeyTemplate::parse(file.text("key_format", "%s"), "query", file.path()));
        TRY(result.domains, SearchDomains::parse(file.text("domain"), options));
        TRY(result.server, ServerAddress::parse(server));
        TRY(result.max_try, file.number("max_try", 2, 1, 100));
        TRY(int pause, file.number("retry_pause", 1, 0, hour));
        TRY(int limit, file.number("timeout", 2, 1, hour));
        result.retry_pause = std::chrono::seconds(pause);
        result.timeout = std::chrono::seconds(limit);
        return result;
    }

    // The key as the server knows it; nothing if it is not asked for.
    Result<std::optional<std::string>> key_for_server(std::string_view key)
    {
        TRY(bool wanted, domains.has(key));
        return wanted ? key_format.expand(key, key) : std::nullopt;
    }
};

// Why a lookup failed: a connection that was not made names the server already, anything else gets the table's name.
void warn_of(const OpenOptions& options, const std::string& table, const Error& error)
{
    const bool connecting = error.text().starts_with("connect to ");
    warn(options, connecting ? error.text() : fmt::format("{}: {}", table, error.text()));
}

// Asks up to max_try times, with a pause before each repetition; a server that accepts no connection is asked once.
net::Task<Result<std::string>> ask_patiently(ServerClient& client, const CacheSettings& settings, std::string request,
                                             CompleteReply complete)
{
    for (int attempt = 1;; ++attempt) {
        auto reply = co_await client.ask(request, complete);
        if (reply || attempt >= settings.max_try || reply.error().text().starts_with("connect to "))
            co_return reply;
        co_await net::sleep_for(settings.retry_pause);
    }
}

// Keys that a line of the memcache protocol can carry (protocol.txt: 250 bytes, no white space or control characters).
bool fits_memcache(std::string_view key)
{
    constexpr std::size_t longest = 250;
    return !key.empty() && key.size() <= longest &&
           key.find_first_of(std::string_view(" \t\r\n\v\f\0", 7)) == std::string_view::npos;
}

class MemcacheTable final : public Table {
public:
    struct Settings {
        CacheSettings cache;
        MemcacheLimits limits;
        unsigned flags = 0;
        int ttl = 3600;
    };
    MemcacheTable(const OpenRequest& request, Settings settings, std::unique_ptr<Table> backup)
        : Table(request.full), options_(request.options), settings_(std::move(settings)), backup_(std::move(backup)),
          client_(settings_.cache.server, settings_.cache.timeout)
    {
    }

    Lookup lookup(std::string_view key) override
    {
        std::string buffer;
        std::string folded(fold_key(key, options_.key_case, buffer));
        auto cached = settings_.cache.key_for_server(folded);
        if (!cached)
            return Answer(fail(ErrorKind::Temporary, fmt::format("table {}: {}", name(), cached.error().text())));
        if (!*cached)
            return not_found();
        if (!fits_memcache(**cached))
            return backup_ ? backup_->lookup(folded) : Lookup(not_found());
        return find(std::move(folded), std::move(**cached));
    }
    TableFlags flags() const override { return {.folds_case = options_.key_case == KeyCase::Fold}; }
    Result<void> reopen_if_changed() override { return backup_ ? backup_->reopen_if_changed() : Result<void>(); }
    Result<void> for_each(const Visitor& visit) override
    {
        return backup_ ? backup_->for_each(visit) : Table::for_each(visit);
    }

private:
    net::Task<Answer> find(std::string key, std::string cached)
    {
        auto reply = co_await ask_patiently(
            client_, settings_.cache, fmt::format("get {}\r\n", cached),
            [limits = settings_.limits](std::string_view text) { return size_of_memcache_reply(text, limits); });
        Answer answer = reply ? memcache_answer(*reply) : Answer(fail(std::move(reply).error()));
        if (answer && *answer)
            co_return answer;
        if (!answer)
            warn_of(options_, name(), answer.error());
        if (backup_)
            co_return co_await find_in_backup(std::move(key), std::move(cached), answer.has_value());
        if (answer)
            co_return answer;
        co_return fail(ErrorKind::Temporary,
                       fmt::format("table {}: query error: {}", name(), reason_of(answer.error())));
    }
    net::Task<Answer> find_in_backup(std::string key, std::string cached, bool server_answers)
    {
        Answer answer = co_await backup_->lookup(key);
        if (!answer || !*answer || !server_answers || (*answer)->size() > settings_.limits.data)
            co_return answer;
        auto stored = co_await client_.ask(
            fmt::format("set {} {} {} {}\r\n{}\r\n", cached, settings_.flags, settings_.ttl, (*answer)->size(),
                        **answer),
            [limit = settings_.limits.line](std::string_view text) { return complete_line(text, limit); });
        if (!stored || *stored != "STORED\r\n")
            warn(options_, fmt::format("database {}: update failed: {}", name(),
                                       stored ? stored->substr(0, stored->find('\r')) : stored.error().text()));
        co_return answer;
    }

    OpenOptions options_;
    Settings settings_;
    std::unique_ptr<Table> backup_;
    ServerClient client_;
};

// A command in the form of the protocol: an array of strings.
std::string redis_command(const std::vector<std::string>& words)
{
    std::string command = fmt::format("*{}\r\n", words.size());
    for (const std::string& word : words)
        command += fmt::format("${}\r\n{}\r\n", word.size(), word);
    return command;
}

class RedisTable final : public Table {
public:
    RedisTable(const OpenRequest& request, CacheSettings settings, std::string hash, KeyTemplate result_format)
        : Table(request.full), options_(request.options), settings_(std::move(settings)), hash_(std::move(hash)),
          result_format_(std::move(result_format)), client_(settings_.server, settings_.timeout)
    {
    }
    ServerClient& client() { return client_; }

    Lookup lookup(std::string_view key) override
    {
        std::string buffer;
        std::string folded(fold_key(key, options_.key_case, buffer));
        auto stored = settings_.key_for_server(folded);
        if (!stored)
            return Answer(fail(ErrorKind::Temporary, fmt::format("table {}: {}", name(), stored.error().text())));
        if (!*stored)
            return not_found();
        return find(std::move(folded), std::move(**stored));
    }
    TableFlags flags() const override { return {.folds_case = options_.key_case == KeyCase::Fold}; }

private:
    net::Task<Answer> find(std::string key, std::string stored)
    {
        std::vector<std::string> command{"GET", stored};
        if (!hash_.empty())
            command = {"HGET", hash_, stored};
        auto reply = co_await ask_patiently(client_, settings_, redis_command(command), size_of_redis_reply);
        Answer answer = reply ? redis_answer(*reply) : Answer(fail(std::move(reply).error()));
        if (!answer) {
            warn_of(options_, name(), answer.error());
            co_return fail(ErrorKind::Temporary,
                           fmt::format("table {}: query error: {}", name(), reason_of(answer.error())));
        }
        if (*answer && !(*answer)->empty())
            co_return result_format_.expand(**answer, key);
        co_return not_found();
    }

    OpenOptions options_;
    CacheSettings settings_;
    std::string hash_;
    KeyTemplate result_format_;
    ServerClient client_;
};

// AUTH and SELECT, which a new connection begins with.
void set_redis_greeting(ServerClient& client, const SourceSettings& file, int database)
{
    std::string request;
    std::size_t replies = 0;
    if (const std::string password = file.text("password"); !password.empty()) {
        std::vector<std::string> command{"AUTH"};
        if (const std::string user = file.text("user"); !user.empty())
            command.push_back(user);
        command.push_back(password);
        request += redis_command(command);
        ++replies;
    }
    if (database != 0) {
        request += redis_command({"SELECT", std::to_string(database)});
        ++replies;
    }
    if (replies == 0)
        return;
    constexpr std::string_view good = "+OK\r\n";
    std::string expected;
    for (std::size_t i = 0; i < replies; ++i)
        expected += good;
    // The first reply that is not +OK ends the greeting.
    client.set_greeting(
        std::move(request),
        [expected](std::string_view received) -> ReplySize {
            if (received.size() < expected.size() && expected.starts_with(received))
                return std::nullopt;
            return received.starts_with(expected) ? expected.size() : received.size();
        },
        expected);
}

}  // namespace

Opened open_memcache(const OpenRequest& request)
{
    constexpr int most = 1 << 30;
    TRY(SourceSettings file, SourceSettings::of(request.name, request.options));
    MemcacheTable::Settings settings;
    TRY(settings.cache, CacheSettings::from(file, file.text("memcache", "inet:localhost:11211"), request.options));
    TRY(int line, file.number("line_size_limit", 1024, 16, most));
    TRY(int data, file.number("data_size_limit", 10240, 1, most));
    TRY(int flags, file.number("flags", 0, 0, most));
    TRY(settings.ttl, file.number("ttl", 3600, 0, most));
    settings.limits = {.line = static_cast<std::size_t>(line), .data = static_cast<std::size_t>(data)};
    settings.flags = static_cast<unsigned>(flags);
    std::unique_ptr<Table> backup;
    if (const std::string name = file.text("backup"); !name.empty()) {
        TRY(backup, open(name, request.options));
    }
    return std::make_unique<MemcacheTable>(request, std::move(settings), std::move(backup));
}

Opened open_redis(const OpenRequest& request)
{
    TRY(SourceSettings file, SourceSettings::of(request.name, request.options));
    TRY(CacheSettings settings, CacheSettings::from(file, file.text("redis", "inet:localhost:6379"), request.options));
    TRY(KeyTemplate result_format, KeyTemplate::parse(file.text("result_format", "%s"), "result", file.path()));
    TRY(int database, file.number("database", 0, 0, 1 << 20));
    auto table =
        std::make_unique<RedisTable>(request, std::move(settings), file.text("hash"), std::move(result_format));
    set_redis_greeting(table->client(), file, database);
    return table;
}

}  // namespace posthaste::table
