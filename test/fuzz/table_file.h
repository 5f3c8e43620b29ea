// table_file.h — for fuzz targets of tables that are text files: the input as such a file. The first line is the key
// that is looked up, the rest is the file.
#pragma once

#include "base/fd.h"
#include "table/table.h"

#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace fuzz {

struct Input {
    std::string key;
    std::string rules;

    explicit Input(std::string_view text)
        : key(text.substr(0, text.find('\n'))),
          rules(text.size() > key.size() ? std::string(text.substr(key.size() + 1)) + "\n" : "")
    {
    }
};

// What the table answers: the value, "" for none, or an error.
inline posthaste::table::Answer answer_of(const std::string& type, const std::string& rules, const std::string& key)
{
    static const std::string path = "/dev/shm/posthaste-fuzz-table." + std::to_string(::getpid());
    auto file = posthaste::open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!file || !posthaste::write_fully_at(file->get(), rules, 0))
        std::abort();
    const posthaste::table::OpenOptions quiet{.warn = [](std::string_view) {}};
    auto table = posthaste::table::open(type + ":" + path, quiet);
    ::unlink(path.c_str());
    if (!table)
        std::abort();  // lines with errors are left out; nothing in a file makes the whole table unusable
    return (*table)->lookup(key).take_ready();
}

}  // namespace fuzz
