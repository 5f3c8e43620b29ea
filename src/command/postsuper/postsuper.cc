// postsuper.cc — see postsuper.h.
#include "command/postsuper/postsuper.h"

#include "base/text.h"
#include "command/postsuper/export.h"
#include "command/postsuper/queue_access.h"
#include "config/config.h"
#include "log/log.h"
#include "param/basics.h"
#include "queue/directory_walk.h"
#include "queue/leftovers.h"
#include "queue/queue_id.h"
#include "server/command_config.h"
#include "server/identity.h"
#include "server/log_setup.h"
#include "server/patient_fork.h"
#include "server/queue_options.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <getopt.h>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace posthaste::command::postsuper {

namespace {

using qmgr::Command;
using qmgr::ControlOutcome;
using queue::QueueName;

constexpr std::string_view usage =
    "usage: postsuper [-c config_dir] [-d queue_id (delete)] [-e queue_id (expire)] [-f queue_id (expire and/or "
    "un-hold)] [-h queue_id (hold)] [-H queue_id (un-hold)] [-p (purge temporary files)] [-r queue_id (requeue)] "
    "[-s (structure fix)] [-S (redundant structure fix)][-v (verbose)] [queue...] | postsuper [-c config_dir] --export "
    "directory | postsuper [-c config_dir] --check-export";

// What an option asks for, and how it is told.
struct Action {
    Command command;
    std::string_view done;     // of one message
    std::string_view pending;  // of one that is being delivered
    std::string_view summary;
    std::vector<QueueName> queues;  // where it applies unless queues are named
};

using enum QueueName;
const std::vector<QueueName> all_queues{Maildrop, Incoming, Active, Deferred, Hold};
constexpr std::array<std::string_view, 4> log_directories{"bounce", "defer", "trace", "flush"};
const std::array<Action, 5> actions{
    Action{Command::Requeue,
           "requeued",
           "being delivered, to be requeued then",
           "Requeued",
           {Incoming, Active, Deferred, Hold}},
    Action{Command::Remove, "removed", "being delivered, to be removed then", "Deleted", all_queues},
    Action{Command::Hold,
           "placed on hold",
           "being delivered, to be placed on hold then",
           "Placed on hold",
           {Incoming, Active, Deferred}},
    Action{Command::Release, "released from hold", "released from hold", "Released from hold", {Hold}},
    Action{Command::Expire, "expired", "expired", "Force-expired", {Incoming, Active, Deferred, Hold}},
};
constexpr std::array summary_order{Command::Requeue, Command::Remove, Command::Expire, Command::Hold, Command::Release};

const Action& action_of(Command command) { return *std::ranges::find(actions, command, &Action::command); }

struct Order {
    Command command;
    std::string argument;  // a queue id, ALL, or - for standard input
};

struct Options {
    std::vector<Order> orders;
    std::vector<QueueName> queues;         // empty: those of the action
    std::vector<std::string> directories;  // as named, with those of logs, for -s and -p; empty: all
    std::string config_directory;
    std::string export_to;      // --export
    bool check_export = false;  // --check-export
    bool structure = false;
    bool purge = false;
    int verbosity = 0;
};

Options parse_options(int argc, char** argv)
{
    Options options;
    constexpr int export_option = 256;
    constexpr int check_export_option = 257;
    const std::array<option, 3> long_options{option{"export", required_argument, nullptr, export_option},
                                             option{"check-export", no_argument, nullptr, check_export_option},
                                             option{}};
    for (int option; (option = ::getopt_long(argc, argv, "+c:d:e:f:h:H:pr:sSv", long_options.data(), nullptr)) != -1;) {
        switch (option) {
        case export_option: options.export_to = ::optarg; break;
        case check_export_option: options.check_export = true; break;
        case 'c': options.config_directory = ::optarg; break;
        case 'd': options.orders.push_back({Command::Remove, ::optarg}); break;
        case 'e': options.orders.push_back({Command::Expire, ::optarg}); break;
        case 'f':  // in this order, so that the queue manager hears of it
            options.orders.push_back({Command::Release, ::optarg});
            options.orders.push_back({Command::Expire, ::optarg});
            break;
        case 'h': options.orders.push_back({Command::Hold, ::optarg}); break;
        case 'H': options.orders.push_back({Command::Release, ::optarg}); break;
        case 'p': options.purge = true; break;
        case 'r': options.orders.push_back({Command::Requeue, ::optarg}); break;
        case 's':
        case 'S': options.structure = true; break;
        case 'v': ++options.verbosity; break;
        default: log::fatal("{}", usage);
        }
    }
    for (int i = ::optind; i < argc; ++i) {
        auto named =
            std::ranges::find(all_queues, std::string_view(argv[i]), [](QueueName each) { return name(each); });
        const bool has_logs = std::ranges::find(log_directories, std::string_view(argv[i])) != log_directories.end();
        if (named == all_queues.end() && !has_logs)
            log::fatal("invalid directory name: {}", argv[i]);
        if (named != all_queues.end())
            options.queues.push_back(*named);
        options.directories.emplace_back(argv[i]);
    }
    if (!options.directories.empty() && options.queues.empty() && !options.orders.empty())
        log::fatal("there are no messages in {}", options.directories.front());
    if (options.orders.empty() && !options.structure && !options.purge)
        options.structure = options.purge = true;
    return options;
}

std::shared_ptr<const config::Config> load_configuration(const Options& options)
{
    auto config = server::load_command_config("postsuper", options.config_directory);
    if (!config)
        log::fatal("{}", config.error().text());
    return *config;
}

// Only root may do this, or who owns the queue where everything runs as one ordinary user. Root becomes mail_owner,
// so that files that are made here belong to the mail system. The working directory is the queue directory.
void enter_queue(const config::Config& config)
{
    const std::string& directory = config.get(param::queue_directory);
    struct stat status{};
    if (::chdir(directory.c_str()) != 0 || ::stat(".", &status) != 0)
        log::fatal("{}", Error::system(errno, "chdir " + directory).text());
    if (::geteuid() != 0 && ::geteuid() != status.st_uid)
        log::fatal("use of this command is reserved for the superuser");
    if (::geteuid() != 0)
        return;
    log::open_before_jail();  // while the file may still be opened: postlogd may not run
    auto owner = server::find_user(config.get(param::mail_owner));
    if (!owner)
        log::fatal("mail_owner: {}", owner.error().text());
    if (auto become = server::become(*owner); !become)
        log::fatal("{}", become.error().text());
}

// A line of standard input is a queue id, or a message as `postqueue -j` prints it.
std::string id_in(std::string_view line)
{
    if (!line.starts_with('{'))
        return std::string(line);
    const auto message = nlohmann::json::parse(line, nullptr, false);
    if (!message.is_object() || !message.contains("queue_id") || !message["queue_id"].is_string())
        return std::string(line);
    return message["queue_id"].get<std::string>();
}

// Carries orders out as they stand on the command line, and counts.
class Session {
public:
    Session(QueueAccess& access, const std::vector<QueueName>& queues) : access_(access), queues_(queues) {}

    void carry_out(const std::vector<Order>& orders)
    {
        std::map<Command, std::uint64_t> counts;
        for (const Order& order : orders)
            counts[order.command] += carry_out(action_of(order.command), order.argument);
        for (Command command : summary_order)
            if (auto count = counts.find(command); count != counts.end())
                log::info("{}: {} message{}", action_of(command).summary, count->second, count->second == 1 ? "" : "s");
    }

private:
    std::uint64_t carry_out(const Action& action, const std::string& argument)
    {
        if (argument == "ALL")
            return change(action, every_id(action), Tell::Nothing);
        std::vector<std::string> ids = argument == "-" ? standard_input() : std::vector{argument};
        std::erase_if(ids, [](const std::string& id) {
            if (id.empty() || !std::ranges::all_of(id, is_ascii_alnum))
                log::warning("invalid mail queue id: {}", id);
            return !queue::is_queue_id(id);
        });
        if (!queues_.empty()) {
            const MessageList found = messages();
            std::erase_if(ids, [&](const std::string& id) {
                auto at = found.find(id);
                return at == found.end() || !applies_to(action, at->second);
            });
        }
        return change(action, std::move(ids), Tell::Each);
    }

    enum class Tell : unsigned char { Nothing, Each };
    std::uint64_t change(const Action& action, std::vector<std::string> ids, Tell tell);
    std::vector<std::string> every_id(const Action& action);
    [[nodiscard]] MessageList messages();
    const std::vector<std::string>& standard_input();

    [[nodiscard]] bool applies_to(const Action& action, QueueName queue) const
    {
        return std::ranges::find(action.queues, queue) != action.queues.end() &&
               (queues_.empty() || std::ranges::find(queues_, queue) != queues_.end());
    }

    QueueAccess& access_;
    const std::vector<QueueName>& queues_;
    std::optional<std::vector<std::string>> standard_input_;
};

// Everything that can be named, maildrop included.
MessageList Session::messages()
{
    auto found = access_.messages();
    if (!found)
        log::fatal("{}", found.error().text());
    if (auto read = queue::for_each_file_below(
            {}, name(Maildrop), [&](const queue::WalkedFile& file) { found->emplace(file.queue_id, Maildrop); });
        !read)
        log::warning("{}", read.error().text());
    return std::move(*found);
}

std::vector<std::string> Session::every_id(const Action& action)
{
    std::vector<std::string> ids;
    for (const auto& [id, queue] : messages())
        if (applies_to(action, queue))
            ids.push_back(id);
    return ids;
}

const std::vector<std::string>& Session::standard_input()
{
    if (!standard_input_) {
        standard_input_.emplace();
        for (std::string line; std::getline(std::cin, line);)
            if (const std::string_view text = trim(line); !text.empty())
                standard_input_->push_back(id_in(text));
    }
    return *standard_input_;
}

// The number of messages that were changed, or will be when their delivery is over.
std::uint64_t Session::change(const Action& action, std::vector<std::string> ids, Tell tell)
{
    std::uint64_t count = 0;
    auto changed = [&](const std::string& id, std::string_view how) {
        ++count;
        if (tell == Tell::Each)
            log::info("{}: {}", id, how);
    };
    if (applies_to(action, Maildrop))
        std::erase_if(ids, [&](const std::string& id) {
            if (::unlink((std::string(name(Maildrop)) + "/" + id).c_str()) != 0)
                return false;
            changed(id, action.done);
            return true;
        });
    if (ids.empty())
        return count;
    auto reply = access_.change({.command = action.command, .queue_ids = std::move(ids)});
    if (!reply)
        log::fatal("{}", reply.error().text());
    for (const qmgr::ControlResult& result : reply->results) {
        switch (result.outcome) {
        case ControlOutcome::Done: changed(result.queue_id, action.done); break;
        case ControlOutcome::Pending: changed(result.queue_id, action.pending); break;
        case ControlOutcome::Failed: log::warning("{}: cannot be {}", result.queue_id, action.done); break;
        case ControlOutcome::NotFound: break;
        }
    }
    return count;
}

}  // namespace

namespace {

// In a process without the rights of root; this one keeps them to give maildrop's files back to their owners.
int export_to(const config::Config& config, const std::string& wanted)
{
    if (auto stopped = must_be_stopped(config); !stopped)
        log::fatal("{}", stopped.error().text());
    auto directory = make_export_directory(config, wanted);
    if (!directory)
        log::fatal("{}", directory.error().text());
    const SubmissionOwners owners = submission_owners(config);
    const Result<pid_t> child = server::fork_patiently(config);
    if (!child)
        log::fatal("{}", child.error().text());
    if (*child == 0) {
        enter_queue(config);
        auto exported = export_queue(config, *directory);
        if (!exported)
            log::fatal("{}", exported.error().text());
        log::info(
            "Moved to {0}: {1} from the journal, {2} active, {3} deferred, {4} on hold, {5} of maildrop (no longer in "
            "this queue; to put them back, with the mail system stopped: cp -a {0}/. {6}/)",
            *directory, exported->journal, exported->active, exported->deferred, exported->hold, exported->maildrop,
            config.get(param::queue_directory));
        if (exported->failed > 0)
            log::error("{} could not be exported and are still in the queue", exported->failed);
        log::flush();
        ::_exit(exported->failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    int status = 0;
    while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) {
    }
    if (::geteuid() == 0)
        give_back_submissions(*directory, owners);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int check_export(const config::Config& config)
{
    if (auto stopped = must_be_stopped(config); !stopped)
        log::fatal("{}", stopped.error().text());
    enter_queue(config);
    auto count = messages_to_export(config);
    if (!count)
        log::fatal("{}", count.error().text());
    if (*count > 0)
        log::fatal("Postfix cannot read {} message{} of this queue: run postsuper --export DIR first", *count,
                   *count == 1 ? "" : "s");
    return EXIT_SUCCESS;
}

}  // namespace

int run(int argc, char** argv)
{
    log::init({.program = "postsuper", .to_log = false});
    Options options = parse_options(argc, argv);
    auto config = load_configuration(options);
    server::set_up_log(*config, {.program = "postsuper", .to_stderr = true, .verbosity = options.verbosity});
    if (!options.export_to.empty())
        return export_to(*config, options.export_to);
    if (options.check_export)
        return check_export(*config);
    enter_queue(*config);
    auto access = open_queue(server::queue_options(*config), server::queue_manager_socket(*config));
    if (!access)
        log::fatal("{}", access.error().text());
    if (options.structure)
        if (auto mended = (*access)->mend_structure(options.directories); !mended)
            log::fatal("{}", mended.error().text());
    // Those in incoming/ go when the queue is read: the queue manager does it all the time.
    if (options.purge) {
        if (auto read = (*access)->messages(); !read)
            log::fatal("{}", read.error().text());
        if (auto removed = queue::remove_left_behind(server::queue_options(*config), queue::QueueName::Hold); !removed)
            log::fatal("{}", removed.error().text());
    }
    Session(**access, options.queues).carry_out(options.orders);
    log::flush();
    return EXIT_SUCCESS;
}

}  // namespace posthaste::command::postsuper
