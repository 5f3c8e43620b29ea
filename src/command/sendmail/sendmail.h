// sendmail(1): the mail system's oldest interface. A message goes through postdrop(1) into maildrop/, whether the
// mail system is running or not; everything else (-bp, -bs, -q ...) is another program's work, which is executed.
//
// Exit status: sysexits.h; 0 means that the message is safely stored.
#pragma once

namespace posthaste::command::sendmail {

int run(int argc, char** argv);

}  // namespace posthaste::command::sendmail
