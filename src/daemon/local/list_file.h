// list_file.h — lists of destinations that stand in files: .forward and what :include: names.
//
// A file is read in a child with the rights of an account (mailbox/child.h), at most 1 MiB of it.
#pragma once

#include "dsn/outcome.h"
#include "mailbox/child.h"
#include "net/task.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace posthaste::local {

struct ListFile {
    std::string identity;  // the file itself, whatever name it was found by
    uid_t owner = 0;
    std::string destinations;  // of all lines, without comments, for address::parse_destinations()
};

// .forward files are trusted only if nobody but their user or root could have written them.
enum class ListFileKind : std::uint8_t { Include, Forward };

// Deferred: it cannot be read. Bounced: it is not trusted. The text says why.
Task<std::expected<ListFile, dsn::Outcome>> read_list_file(mailbox::Account account, std::string path,
                                                           ListFileKind kind);

// The lines of such a file as one list.
std::string list_of_lines(std::string_view text);

}  // namespace posthaste::local
