// supervisor.cc — see supervisor.h.
#include "daemon/master/supervisor.h"

#include "daemon/master/process_count.h"
#include "log/events_master.h"
#include "log/log.h"
#include "net/tcp_window.h"
#include "param/basics.h"
#include "param/process.h"
#include "param/services.h"
#include "server/identity.h"
#include "server/log_setup.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace posthaste::master {

namespace {

// Then SIGKILL. Who takes or delivers mail leaves by itself a little earlier; the others have hardly anything to do.
constexpr std::chrono::seconds stop_grace{10};
constexpr std::chrono::seconds later_turns_grace{3};
constexpr std::chrono::seconds directory_interval{5};
constexpr std::chrono::seconds change_over_patience{5};
constexpr std::chrono::milliseconds change_over_poll{2};
// Programs that others of ours ask or report to: the peers of declare/services.toml. The queue manager is no helper: it
// hands mail to those who report to them.
constexpr std::array<std::string_view, 4> helpers{"anvil", "bounce", "cleanup", "trivial-rewrite"};
// Whom helpers ask, too: any map of theirs may be a proxy: table.
constexpr std::string_view table_helper = "proxymap";

}  // namespace

Supervisor::Supervisor(std::shared_ptr<const config::Config> config, int verbosity)
    : config_(std::move(config)), kill_timer_([this] { kill_turn(); }),
      directory_timer_([this] { watch_queue_directory(); })
{
    common_.verbosity = verbosity;
    common_.root = ::geteuid() == 0;
    take_settings();
}

void Supervisor::take_settings()
{
    common_.throttle_time = config_->get(param::service_throttle_time);
    common_.processes_per_service = processes_per_service(*config_);
}

Result<std::unique_ptr<Service>> Supervisor::make_service(const ServiceSpec& spec, std::chrono::milliseconds patience)
{
    TRY(auto sockets, open_sockets(spec, owner_, patience));
    TRY(auto scoreboard, SharedScoreboard::make());
    return std::make_unique<Service>(common_, spec, std::move(sockets), std::move(scoreboard));
}

Result<void> Supervisor::start()
{
    if (common_.root) {
        TRY(server::Identity owner, server::find_user(config_->get(param::mail_owner)));
        owner_ = SocketOwner{owner.uid, owner.gid};
    }
    TRY(auto specs, load_specs(*config_));
    for (const ServiceSpec& spec : specs) {
        TRY(auto service, make_service(spec, start_patience));
        services_.push_back(std::move(service));
    }
    for (const auto& service : services_)
        service->start();
    watch_queue_directory();
    return {};
}

// Whoever removes the queue directory under a running mail system gets no complaint from anybody: each process keeps
// working in a directory that has no name any more.
void Supervisor::watch_queue_directory()
{
    struct stat here{};
    if (::stat(".", &here) == 0 && here.st_nlink > 0) {
        directory_timer_.start(net::Clock::now() + directory_interval);
        return;
    }
    log::error("queue_directory {} has been removed: the mail system stops", config_->get(param::queue_directory));
    stop();
}

void Supervisor::reload(std::function<void()> done)
{
    if (stopping_)
        return;
    config::LoadOptions options;
    options.config_directory = config_->directory();
    options.process_name = "master";
    auto config = config::load(options);
    Result<void> applied;
    if (config)
        applied = apply(*config);
    else
        applied = fail(config.error());
    if (!applied) {
        log::error("reload: {}; the old configuration stays in force", applied.error().text());
        done();
        return;
    }
    log::daemon_reloaded(config_->get(param::mail_version), config_->directory());
    tasks_.start(wait_for_change_over(std::move(done)));
}

Task<void> Supervisor::wait_for_change_over(std::function<void()> done)
{
    auto settled = [this] {
        return std::ranges::all_of(services_, [](const auto& service) { return service->has_changed_over(); });
    };
    net::Deadline deadline = net::Deadline::after(change_over_patience);
    while (!settled() && !deadline.passed())
        co_await net::sleep_for(change_over_poll);
    done();
}

// First everything that can fail, then the change.
Result<void> Supervisor::apply(std::shared_ptr<const config::Config> config)
{
    if (config->get(param::queue_directory) != config_->get(param::queue_directory))
        return fail(ErrorKind::Invalid, "queue_directory has changed: stop and start the mail system");
    TRY(std::string main_cf, read_file(config->directory() + "/main.cf"));
    TRY(auto specs, load_specs(*config));
    net::set_tcp_window(config->get(param::tcp_windowsize));
    auto prepared = prepare(std::move(specs));
    if (!prepared) {
        net::set_tcp_window(config_->get(param::tcp_windowsize));
        return std::unexpected(std::move(prepared).error());
    }
    ChangeOver change_over = std::move(*prepared);
    config_ = std::move(config);
    take_settings();
    server::set_up_log(*config_, {.program = "master",
                                  .to_stderr = log::options().to_stderr,
                                  .verbosity = common_.verbosity,
                                  .in_queue_directory = true,
                                  .wait_for_reader = false});
    perform(std::move(change_over), main_cf);
    return {};
}

Result<Supervisor::ChangeOver> Supervisor::prepare(std::vector<ServiceSpec> specs)
{
    ChangeOver change_over;
    for (ServiceSpec& spec : specs) {
        Service* service = find(spec.key());
        if (!service) {
            TRY(auto fresh, make_service(spec, std::chrono::seconds(0)));
            change_over.added.push_back(std::move(fresh));
            continue;
        }
        Change& change = change_over.changes.emplace_back(service, std::move(spec), std::nullopt);
        if (change.spec.addresses != service->spec().addresses ||
            change.spec.socket_path != service->spec().socket_path) {
            TRY(change.sockets, open_sockets(change.spec, owner_, std::chrono::seconds(0), service->open_addresses()));
        }
    }
    return change_over;
}

void Supervisor::perform(ChangeOver change_over, const std::string& main_cf)
{
    for (const auto& service : services_) {
        bool stays = std::ranges::any_of(change_over.changes,
                                         [&](const Change& change) { return change.service == service.get(); });
        if (!stays && !service->is_removed())
            service->remove();
    }
    for (Change& change : change_over.changes) {
        if (change.sockets && change.service->spec().socket_path != change.spec.socket_path)
            ::unlink(change.service->spec().socket_path.c_str());
        change.service->change(std::move(change.spec), std::move(change.sockets), main_cf);
    }
    for (auto& service : change_over.added) {
        services_.push_back(std::move(service));
        services_.back()->start();
    }
    std::erase_if(services_, [](const auto& service) { return service->is_removed() && !service->has_processes(); });
}

Service* Supervisor::find(const std::string& key)
{
    auto found = std::ranges::find_if(
        services_, [&](const auto& service) { return !service->is_removed() && service->spec().key() == key; });
    return found == services_.end() ? nullptr : found->get();
}

// So that nobody waits for an answer that does not come, or leaves without one; and postlogd writes the last lines of
// all.
Supervisor::Turn Supervisor::turn_of(const Service& service) const
{
    const ServiceSpec& spec = service.spec();
    if (spec.type == config::ServiceType::UnixDgram && spec.name == config_->get(param::postlog_service_name))
        return Turn::Log;
    if (spec.program() == table_helper)
        return Turn::Tables;
    return std::ranges::find(helpers, spec.program()) != helpers.end() ? Turn::Helpers : Turn::Mail;
}

void Supervisor::stop()
{
    if (std::exchange(stopping_, true))
        return;
    begin_turn(Turn::Mail, stop_grace);
    continue_stop();
}

void Supervisor::begin_turn(Turn turn, std::chrono::seconds grace)
{
    turn_ = turn;
    kill_timer_.start(net::Clock::now() + grace);
    log::flush();
    for (const auto& service : services_)
        if (turn_of(*service) == turn)
            service->stop(server::Command::Stop);
}

void Supervisor::continue_stop()
{
    auto is_waited_for = [this](const auto& service) { return service->has_processes() && turn_of(*service) <= turn_; };
    while (turn_ != Turn::Over && std::ranges::none_of(services_, is_waited_for))
        begin_turn(static_cast<Turn>(std::to_underlying(turn_) + 1), later_turns_grace);
    if (turn_ == Turn::Over)
        net::Loop::current().stop();
}

void Supervisor::kill_turn()
{
    for (const auto& service : services_)
        if (turn_of(*service) <= turn_)
            service->kill();
}

void Supervisor::abort()
{
    stopping_ = true;
    for (const auto& service : services_) {
        service->stop(server::Command::Stop);
        service->kill();
    }
    continue_stop();
}

void Supervisor::reap()
{
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
        for (const auto& service : services_)
            if (service->ended(pid, status))
                break;
    std::erase_if(services_, [](const auto& service) { return service->is_removed() && !service->has_processes(); });
    if (stopping_)
        continue_stop();
}

}  // namespace posthaste::master
