"""Waiting for something that another process does: look often, give up loudly."""
import os
import time

# Sanitizer builds on a busy two-core machine are slow; a wait that succeeds never takes this long. Where tests are to
# fail (tools/parameter-proof), it is shorter.
PATIENCE = float(os.environ.get("POSTHASTE_PATIENCE", "30"))


def wait_until(condition, what, timeout=PATIENCE, interval=0.01):
    """Calls `condition` until it returns something true, and returns that; AssertionError names `what`."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for {what() if callable(what) else what}")
        time.sleep(interval)
