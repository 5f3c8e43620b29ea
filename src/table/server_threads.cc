// server_threads.cc — see server_threads.h.
#include "table/server_threads.h"

#include "log/log.h"
#include "table/registry.h"
#include "table/server_client.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <fmt/format.h>
#include <mutex>
#include <pthread.h>
#include <random>
#include <system_error>
#include <thread>

namespace posthaste::table {

namespace {
using Clock = std::chrono::steady_clock;
}  // namespace

Answer answer_of(ServerReply reply, std::string_view name, const OpenOptions& options)
{
    for (const std::string& text : reply.warnings)
        warn(options, text);
    if (reply.answer)
        return std::move(reply.answer);
    return fail(ErrorKind::Temporary, fmt::format("table {}: query error: {}", name, reason_of(reply.answer.error())));
}

// `done` and `reply` belong to the loop's thread.
struct ServerThreads::Request {
    ServerWork work;
    Moment deadline;
    net::Event done;
    ServerReply reply;
};

// What the table and its threads have in common. Lives as long as the last of them.
struct ServerThreads::Shared {
    ServerPlan plan;
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::shared_ptr<Request>> waiting;
    std::vector<Moment> failed_at;  // of each host; the epoch: it has not failed
    std::vector<std::thread> running;
    std::vector<std::thread> ended;
    std::size_t idle =
        0;  // of those that run, those that wait for a request or are about to: a request needs no other thread
    bool closed = false;
    std::condition_variable one_ended;

    std::vector<std::size_t> hosts_in_order();
    void note(std::size_t host, Moment failed)
    {
        const std::lock_guard lock(mutex);
        failed_at[host] = failed;
    }
};

// One thread and its connection.
struct ServerThreads::Worker {
    std::shared_ptr<Shared> shared;
    std::unique_ptr<ServerConnection> connection;
    std::size_t host = 0;
    Moment used{};

    void run();
    std::shared_ptr<Request> next();
    ServerReply perform(const Request& request);
    bool ask_kept(const Request& request, Moment until, ServerReply& reply);
    void failed(std::size_t candidate, ServerReply& reply);
    bool ask_host(std::size_t candidate, const Request& request, Moment until, ServerReply& reply);
};

std::vector<std::size_t> ServerThreads::Shared::hosts_in_order()
{
    static thread_local std::minstd_rand random{std::random_device{}()};
    std::vector<std::size_t> order(plan.hosts.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    if (plan.order != HostOrder::AsListed)
        std::ranges::shuffle(order, random);
    // Those that failed lately come last, the latest at the end; else UNIX-domain sockets first where that is wanted.
    struct Rank {
        Moment failed;
        bool network;
        std::size_t position;
        std::size_t host;
        auto operator<=>(const Rank&) const = default;
    };
    std::vector<Rank> ranks;
    const Moment oldest = Clock::now() - plan.retry_interval;
    const std::lock_guard lock(mutex);
    for (std::size_t i = 0; i < order.size(); ++i)
        ranks.push_back({.failed = failed_at[order[i]] > oldest ? failed_at[order[i]] : Moment{},
                         .network = plan.order == HostOrder::RandomUnixFirst && !plan.hosts[order[i]].is_unix,
                         .position = i,
                         .host = order[i]});
    std::ranges::sort(ranks);
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = ranks[i].host;
    return order;
}

std::shared_ptr<ServerThreads::Request> ServerThreads::Worker::next()
{
    std::unique_lock lock(shared->mutex);
    const auto wanted = [&] { return shared->closed || !shared->waiting.empty(); };
    if (connection && !shared->wake.wait_until(lock, used + shared->plan.idle_interval, wanted)) {
        lock.unlock();
        connection.reset();
        lock.lock();
    }
    shared->wake.wait(lock, wanted);
    --shared->idle;
    if (shared->closed)
        return nullptr;
    auto request = std::move(shared->waiting.front());
    shared->waiting.pop_front();
    return request;
}

// The connection that was kept; false: there is none, or it was lost, or it failed.
bool ServerThreads::Worker::ask_kept(const Request& request, Moment until, ServerReply& reply)
{
    if (!connection)
        return false;
    reply.answer = request.work(*connection, until, reply.warnings);
    used = Clock::now();
    if (reply.answer)
        return true;
    connection.reset();
    if (reply.answer.error().kind() == ErrorKind::Closed)
        reply.warnings.clear();
    else if (reply.answer.error().kind() != ErrorKind::Limit)
        failed(host, reply);
    return reply.answer.error().kind() == ErrorKind::Limit;
}

void ServerThreads::Worker::failed(std::size_t candidate, ServerReply& reply)
{
    reply.warnings.push_back(reply.answer.error().text());
    shared->note(candidate, Clock::now());
}

bool ServerThreads::Worker::ask_host(std::size_t candidate, const Request& request, Moment until, ServerReply& reply)
{
    host = candidate;
    auto connected = shared->plan.hosts[candidate].connect(until);
    if (connected) {
        connection = std::move(*connected);
        reply.answer = request.work(*connection, until, reply.warnings);
        used = Clock::now();
        if (reply.answer) {
            shared->note(candidate, Moment{});
            return true;
        }
        connection.reset();
        if (reply.answer.error().kind() == ErrorKind::Limit)
            return true;
    } else {
        reply.answer = std::unexpected(std::move(connected).error());
    }
    failed(candidate, reply);
    return false;
}

ServerReply ServerThreads::Worker::perform(const Request& request)
{
    ServerReply reply{.answer = fail(ErrorKind::Timeout, "no time was left to ask a server"), .warnings = {}};
    const auto share = [&](std::size_t hosts_left) {
        const Moment now = Clock::now();
        return now + (request.deadline - now) / static_cast<int>(hosts_left);
    };
    const std::size_t count = shared->plan.hosts.size();
    if (Clock::now() >= request.deadline || ask_kept(request, share(count), reply))
        return reply;
    // A host that has just said what is wrong is not asked again.
    const bool answered = !reply.warnings.empty();
    const std::size_t kept = host;
    const std::vector<std::size_t> order = shared->hosts_in_order();
    for (std::size_t i = 0; i < order.size() && Clock::now() < request.deadline; ++i)
        if (!(answered && order[i] == kept) && ask_host(order[i], request, share(count - i), reply))
            return reply;
    return reply;
}

void ServerThreads::Worker::run()
{
    while (auto request = next()) {
        auto reply = std::make_shared<ServerReply>(perform(*request));
        {
            // Before the answer is out: the next request is for this thread and its connection.
            const std::lock_guard lock(shared->mutex);
            ++shared->idle;
        }
        // The request is given up here, and destroyed on the loop's thread.
        net::Loop::current().post([request = std::move(request), reply] {
            request->reply = std::move(*reply);
            request->done.set();
        });
    }
    connection.reset();
    const std::lock_guard lock(shared->mutex);
    const auto own = std::ranges::find(shared->running, std::this_thread::get_id(), &std::thread::get_id);
    if (own == shared->running.end())
        return;
    shared->ended.push_back(std::move(*own));
    shared->running.erase(own);
    shared->one_ended.notify_all();
}

ServerThreads::ServerThreads(ServerPlan plan) : shared_(std::make_shared<Shared>())
{
    shared_->plan = std::move(plan);
    shared_->failed_at.resize(shared_->plan.hosts.size());
}

ServerThreads::~ServerThreads()
{
    std::vector<std::thread> ended;
    {
        std::unique_lock lock(shared_->mutex);
        shared_->closed = true;
        shared_->waiting.clear();
        shared_->wake.notify_all();
        const std::size_t working = shared_->running.size() - shared_->idle;
        constexpr std::chrono::milliseconds longest{200};  // a library that says good-bye to a server that hangs
        shared_->one_ended.wait_for(lock, longest, [&] { return shared_->running.size() <= working; });
        for (std::thread& thread : shared_->running)
            thread.detach();
        shared_->running.clear();
        ended.swap(shared_->ended);
    }
    // What a client library keeps for each thread is gone before the process ends.
    for (std::thread& thread : ended)
        thread.join();
}

void ServerThreads::start_thread()
{
    // Signals are the loop's.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        shared_->running.emplace_back([shared = shared_] { Worker{.shared = shared}.run(); });
        ++shared_->idle;
    } catch (const std::system_error& error) {
        log::warning("cannot start a thread for table lookups: {}", error.what());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

net::Task<ServerReply> ServerThreads::ask(ServerWork work)
{
    auto request = std::make_shared<Request>();
    request->work = std::move(work);
    request->deadline = Clock::now() + shared_->plan.time_limit;
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->waiting.push_back(request);
        if (shared_->waiting.size() > shared_->idle && shared_->running.size() < max_threads)
            start_thread();
        shared_->wake.notify_one();
    }
    // The thread keeps to the deadline itself and says more than "time is up"; a little later it is not waited for.
    constexpr std::chrono::milliseconds grace{100};
    auto waited = co_await request->done.wait(net::Deadline::at(request->deadline + grace));
    if (!waited) {
        const std::lock_guard lock(shared_->mutex);
        std::erase(shared_->waiting, request);
        co_return ServerReply{.answer = fail(ErrorKind::Timeout, "the server did not answer in time"), .warnings = {}};
    }
    co_return std::move(request->reply);
}

}  // namespace posthaste::table
