"""Load from Postfix's smtp-source, the client that its own measurements use."""
import subprocess

from support.paths import tool


def source(port, *options, sender="source@example.com", recipient="sink@local.test", messages=100, sessions=20,
           length=4096, reuse=True, host="127.0.0.1", timeout=300):
    """Sends `messages` and returns when all are acknowledged; raises CalledProcessError when one is refused.

    reuse: one connection a session for all its messages (-d), else a new one for each message.
    """
    command = [tool("smtp-source"), "-s", str(sessions), "-l", str(length), "-m", str(messages), "-f", sender, "-t",
               recipient, *(["-d"] if reuse else []), *options, f"inet:{host}:{port}"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout)
