// Stand-alone mode (sendmail -bs): an ordinary user may not write the queue, postdrop(1) may write maildrop/ for him.
#pragma once

#include "daemon/smtpd/incoming.h"

#include <memory>
#include <string>

namespace posthaste::smtpd {

// program: the path of postdrop. It is started when the content begins, and blocks: there is one client.
std::unique_ptr<Incoming> begin_submission(std::string program);

}  // namespace posthaste::smtpd
