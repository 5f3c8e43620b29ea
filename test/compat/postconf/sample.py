"""A sample: a main.cf, a master.cf, and the calls of postconf that look at them."""
import shlex

# Postfix computes some values from the machine; these are the same everywhere.
HOST = "compatibility_level = 3.6\nmyhostname = host.example.com\nmydomain = example.com\nmynetworks = 127.0.0.0/8\n"

MASTER = """\
# services
smtp       inet  n       -       y       -       -       smtpd
pickup     unix  n       -       y       60      1       pickup
cleanup    unix  n       -       y       -       0       cleanup
qmgr       unix  n       -       n       300     1       qmgr
rewrite    unix  -       -       y       -       -       trivial-rewrite
bounce     unix  -       -       y       -       0       bounce
smtp       unix  -       -       y       -       -       smtp
slow       unix  -       -       y       -       -       smtp
error      unix  -       -       y       -       -       error
local      unix  -       n       n       -       -       local
policy     unix  -       n       n       -       0       spawn
  user=nobody argv=/usr/bin/policy -a
mailman    unix  -       n       n       -       -       pipe
  flags=FR user=list
  argv=/usr/lib/mailman/bin/postfix-to-mailman.py ${nexthop} ${user}
"""

EDITS_NOTHING = "-X no_such_parameter"


class Sample:
    """`main` follows HOST unless `bare`; None is a file that is not there. A call is a command line in the shell's
    quoting, without `-c DIRECTORY`; each begins with fresh files, so that calls do not depend on each other."""

    def __init__(self, main, *calls, master=MASTER, files=None, bare=False):
        text = main.encode() if isinstance(main, str) else main
        self.files = {name: content.encode() for name, content in (files or {}).items()}
        if text is not None:
            self.files["main.cf"] = text if bare else HOST.encode() + text
        if master is not None:
            self.files["master.cf"] = master.encode()
        self.calls = [(call, shlex.split(call)) for call in calls]
