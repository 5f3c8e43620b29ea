// berkeley_check.h — is a Berkeley DB file whole?
//
// The library believes what it reads: a page of a hash: file that a power cut left empty, or that is cut off, is a
// bucket without keys to it, so that half of a table is suddenly "not found"; an empty page of a btree: file lets it
// search for ever. So each page's header is looked at when a file is opened. The layout is that of the library's pages
// since version 4.
#pragma once

#include "base/result.h"

#include <string>

namespace posthaste::table {

// Corrupt: a page is missing or is not what its number says; Io: it cannot be read. Files in another byte order than
// this machine's, and versions that are not known, are taken as they are. Reads a few bytes of every page.
Result<void> check_berkeley_file(int fd, const std::string& path);

}  // namespace posthaste::table
