// commands.cc — see commands.h.
#include "command/smtp-sink/commands.h"

#include "base/text.h"

#include <random>

namespace posthaste::command::smtp_sink {

std::optional<Verb> find_verb(std::string_view name)
{
    static constexpr std::array<std::string_view, verb_count> names{"CONNECT", "HELO", "EHLO", "LHLO",    "MAIL",
                                                                    "RCPT",    "VRFY", "DATA", ".",       "RSET",
                                                                    "NOOP",    "QUIT", "AUTH", "XCLIENT", "XFORWARD"};
    for (std::size_t i = 0; i < names.size(); ++i)
        if (equal_ignoring_case(name, names[i]))
            return static_cast<Verb>(i);
    return std::nullopt;
}

std::chrono::milliseconds roll_delay(const Treatment& treatment)
{
    static std::minstd_rand random{std::random_device()()};
    if (treatment.odds == 0)
        return treatment.delay;
    std::uniform_int_distribution<int> die(0, 99);
    int rolls = 1;
    while (die(random) < treatment.odds)
        ++rolls;
    return treatment.delay * rolls;
}

}  // namespace posthaste::command::smtp_sink
