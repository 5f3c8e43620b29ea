// table_lookup.cc — what one lookup costs inside of a process: asks one table for every line of standard input, several
// times over, and prints the nanoseconds of a lookup (best pass) and how many keys were found.
// Usage: table_lookup TYPE:NAME [PASSES]
#include "table/table.h"

#include <chrono>
#include <fmt/format.h>
#include <iostream>

using namespace posthaste;

int main(int argc, char** argv)
{
    if (argc < 2) {
        fmt::print(stderr, "usage: table_lookup TYPE:NAME [PASSES]\n");
        return 64;
    }
    std::vector<std::string> keys;
    std::ios::sync_with_stdio(false);
    for (std::string line; std::getline(std::cin, line);)
        keys.push_back(line);
    auto table = table::open(argv[1]);
    if (!table || keys.empty()) {
        fmt::print(stderr, "table_lookup: {}\n", table ? "no keys" : table.error().text());
        return 1;
    }
    auto best = std::chrono::nanoseconds::max();
    std::size_t found = 0;
    for (int pass = argc > 2 ? std::stoi(argv[2]) : 3; pass > 0; --pass) {
        found = 0;
        const auto begun = std::chrono::steady_clock::now();
        for (const std::string& key : keys) {
            auto answer = (*table)->lookup(key).take_ready();
            MUST(answer);
            found += answer->has_value() ? 1 : 0;
        }
        best = std::min(best, std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun));
    }
    fmt::print("{:.1f} ns, {} of {} found\n", static_cast<double>(best.count()) / static_cast<double>(keys.size()),
               found, keys.size());
}
