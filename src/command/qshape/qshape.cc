// qshape.cc — see qshape.h.
#include "command/qshape/qshape.h"

#include "command/qshape/options.h"
#include "command/qshape/read_queue.h"
#include "log/log.h"
#include "server/command_config.h"
#include "server/progress.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace posthaste::command::qshape {

namespace {

constexpr std::string_view clear_screen = "\033[H\033[2J\033[3J";

// Counts what is read and shows it: at the end, and at a terminal now and then before.
class Display {
public:
    explicit Display(const Options& options)
        : options_(options), distribution_(options.shape), is_terminal_(::isatty(STDOUT_FILENO) == 1)
    {
    }

    void add(const QueuedEnvelope& message)
    {
        using FractionalMinutes = std::chrono::duration<double, std::ratio<60>>;
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        const double age = FractionalMinutes(now - std::chrono::seconds(message.arrival_time)).count();
        if (options_.count == Count::Senders)
            distribution_.add(message.sender.empty() ? "MAILER-DAEMON" : message.sender, age);
        else
            for (const std::string& recipient : message.recipients)
                distribution_.add(recipient, age);
        progress_.advance();
        if (is_terminal_ && ++messages_ % options_.batch == 0)
            show();
    }

    void show() const
    {
        std::string text(is_terminal_ ? clear_screen : "");
        text += is_terminal_ ? distribution_.table(options_.top) : distribution_.table();
        if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
            log::fatal("write to standard output failed");
    }

private:
    const Options& options_;
    Distribution distribution_;
    server::Progress progress_{"qshape", "messages read", server::Output::Printed};
    bool is_terminal_;
    std::uint64_t messages_ = 0;
};

}  // namespace

int run(int argc, char** argv)
{
    log::init({.program = "qshape", .to_log = false});
    const Options options = parse_options(argc, argv);
    auto config = server::load_command_config("qshape", options.config_directory);
    if (!config)
        log::fatal("{}", config.error().text());
    Display display(options);
    auto read = read_queues(**config, options.queues, [&](const QueuedEnvelope& message) { display.add(message); });
    if (!read)
        log::fatal("{}", read.error().text());
    if (read->read > 0)
        display.show();
    return read->failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace posthaste::command::qshape
