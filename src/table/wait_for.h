// wait_for.h — the answer of a lookup, for programs that have no event loop: one runs until a table that asks a server
// has answered.
#pragma once

#include "table/lookup.h"

namespace posthaste::table {

Answer wait_for(Lookup lookup);

}  // namespace posthaste::table
