// postcat.cc — see postcat.h.
#include "command/postcat/postcat.h"

#include "base/text.h"
#include "command/postcat/print_message.h"
#include "log/log.h"
#include "param/basics.h"
#include "server/command_config.h"
#include "server/queue_options.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>
#include <vector>

namespace posthaste::command::postcat {

namespace {

constexpr std::string_view usage =
    "usage: postcat [-b (body text)] [-c config_dir] [-d (decimal record type)] [-e (envelope records)] "
    "[-h (header text)] [-o (print record offsets)] [-q (access queue)] [-r (file order)] [-s offset] [-v] "
    "[file(s)...]";

struct Options {
    Style style;
    std::string config_directory;
    bool by_queue_id = false;
    std::vector<std::string> names;
};

std::uint64_t offset(std::string_view text)
{
    auto number = parse_number<std::uint64_t>(text);
    if (!number)
        log::fatal("bad offset: {}", text);
    return *number;
}

Options parse_options(int argc, char** argv)
{
    Options options;
    Style chosen{.envelope = false, .header = false, .body = false};
    for (int option; (option = ::getopt(argc, argv, "+bc:dehoqrs:v")) != -1;) {
        switch (option) {
        case 'b': chosen.body = true; break;
        case 'c': options.config_directory = ::optarg; break;
        case 'd': chosen.record_types = true; break;
        case 'e': chosen.envelope = true; break;
        case 'h': chosen.header = true; break;
        case 'o': chosen.offsets = true; break;
        case 'q': options.by_queue_id = true; break;
        case 'r': break;  // our files have no pointers that could be followed or not
        case 'v': chosen.text_names = true; break;
        case 's': chosen.skip_to = offset(::optarg); break;
        default: log::fatal("{}", usage);
        }
    }
    if (!chosen.envelope && !chosen.header && !chosen.body)
        chosen.envelope = chosen.header = chosen.body = true;
    options.style = chosen;
    options.names.assign(argv + ::optind, argv + argc);
    return options;
}

void print(const FoundMessage& message, const Style& style)
{
    std::string text = print_message(message, style);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
        log::fatal("write to standard output failed");
}

void print_from_queue(const Options& options)
{
    auto config = server::load_command_config("postcat", options.config_directory);
    if (!config)
        log::fatal("{}", config.error().text());
    if (::chdir((*config)->get(param::queue_directory).c_str()) != 0)
        log::fatal("{}", Error::system(errno, "chdir " + (*config)->get(param::queue_directory)).text());
    const queue::QueueOptions queue_options = server::queue_options(**config);
    for (const std::string& id : options.names) {
        if (id.empty() || !std::ranges::all_of(id, is_ascii_alnum))
            log::fatal("bad mail queue ID: {}", id);
        auto message = find_message(queue_options, id);
        // The directory that may not be read first says nothing of where the message is.
        if (!message && message.error().kind() == ErrorKind::Denied)
            log::fatal("open queue file {}: {}", id, std::strerror(EACCES));
        if (!message)
            log::fatal("open queue file {}: {}", id, message.error().text());
        print(*message, options.style);
    }
}

// One bad file does not keep the others from being printed; one that cannot be opened does (postcat(1)).
void print_file(const std::string& name, const Style& style)
{
    auto message = name == "-" ? read_message(STDIN_FILENO, "stdin") : read_message(name);
    if (message)
        print(*message, style);
    else if (message.error().kind() == ErrorKind::Invalid || message.error().kind() == ErrorKind::Corrupt)
        log::warning("{}", message.error().text());
    else if (message.error().kind() != ErrorKind::Closed)  // nothing in, nothing out
        log::fatal("{}", message.error().text());
}

}  // namespace

int run(int argc, char** argv)
{
    log::init({.program = "postcat", .to_log = false});
    Options options = parse_options(argc, argv);
    if (options.by_queue_id) {
        print_from_queue(options);
    } else {
        for (const std::string& name : options.names)
            print_file(name, options.style);
        if (options.names.empty())
            print_file("-", options.style);
    }
    if (std::fflush(stdout) != 0)
        log::fatal("write to standard output failed");
    return EXIT_SUCCESS;
}

}  // namespace posthaste::command::postcat
