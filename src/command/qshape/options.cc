// options.cc — see options.h.
#include "command/qshape/options.h"

#include "base/text.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace posthaste::command::qshape {

namespace {

constexpr const char* usage =
    "usage: qshape [-s] [-p] [-m min_subdomains] [-l] [-b bucket_count] [-t bucket_minutes] [-w terminal_width]\n"
    "              [-N batch_msg_count] [-n batch_top_domains] [-c config_directory] [queue_name ...]\n"
    "  -s  count messages by the domain of the sender, not recipients by theirs\n"
    "  -p  add lines for parent domains (\".example.com\") with at least -m (5) domains directly below them\n"
    "  -b  so many ages (10); the first ends after -t (5) minutes, each is twice as long as the one before\n"
    "  -l  each age is as long as the first\n"
    "  -w  the width of a line (80, or more)\n"
    "  -N  at a terminal, show what is known after each so many messages (1000), and\n"
    "  -n  only so many domains (20)\n"
    "Queues are incoming and active, those that are named, or directories with an absolute path.\n";

[[noreturn]] void show_usage()
{
    std::fputs(usage, stderr);
    std::exit(255);
}

template<class Number>
void set_if_positive(Number& value, const char* text)
{
    char* end = nullptr;
    const double number = std::strtod(text, &end);
    constexpr double largest = 1e6;
    if (end == text || *end != '\0')
        show_usage();
    if (number > 0 && number <= largest && static_cast<Number>(number) > 0)
        value = static_cast<Number>(number);
}

}  // namespace

Options parse_options(int argc, char** argv)
{
    Options options;
    std::size_t width = 0;
    for (int option; (option = ::getopt(argc, argv, "+sphlm:b:t:w:N:n:c:")) != -1;) {
        switch (option) {
        case 's': options.count = Count::Senders; break;
        case 'p': options.shape.parents = true; break;
        case 'l': options.shape.linear = true; break;
        case 'm': set_if_positive(options.shape.minimum_subdomains, ::optarg); break;
        case 'b': set_if_positive(options.shape.buckets, ::optarg); break;
        case 't': set_if_positive(options.shape.bucket_minutes, ::optarg); break;
        case 'w': set_if_positive(width, ::optarg); break;
        case 'N': set_if_positive(options.batch, ::optarg); break;
        case 'n': set_if_positive(options.top, ::optarg); break;
        case 'c': options.config_directory = ::optarg; break;
        default: show_usage();
        }
    }
    options.shape.line_width = std::max(options.shape.line_width, width);
    if (::optind < argc)
        options.queues.assign(argv + ::optind, argv + argc);
    return options;
}

}  // namespace posthaste::command::qshape
