// The log lines that other programs parse: pflogsumm, logwatch, fail2ban, monitoring. Their text is API and is
// written nowhere else; each family has a file of its own.
#pragma once

#include "log/events_cleanup.h"   // IWYU pragma: export
#include "log/events_delivery.h"  // IWYU pragma: export
#include "log/events_master.h"    // IWYU pragma: export
#include "log/events_qmgr.h"      // IWYU pragma: export
