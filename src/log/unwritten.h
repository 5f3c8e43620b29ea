// unwritten.h — whether lines are lost if this process ends now. For postlog(1), whose only work is a line.
#pragma once

namespace posthaste::log {

// Asked after flush(). True: the file cannot be written, or nobody reads what syslog or postlogd should.
[[nodiscard]] bool has_unwritten();

}  // namespace posthaste::log
