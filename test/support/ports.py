"""Loopback ports for servers that tests start.

Ports come from below the range that the kernel gives to outgoing connections, so that no client takes one between
the look and the bind; workers of pytest-xdist search disjoint ranges.
"""
import contextlib
import itertools
import os
import random
import socket

_FIRST, _LAST, _PER_WORKER = 20000, 32000, 1500
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw") or 0) % ((_LAST - _FIRST) // _PER_WORKER)
_begin = _FIRST + _worker * _PER_WORKER
_offsets = itertools.count(random.randrange(_PER_WORKER))


def free_port(kind=socket.SOCK_STREAM, address="127.0.0.1"):
    """A port of `address` that nobody listens on; each call of a test process gives another one."""
    for _ in range(_PER_WORKER):
        port = _begin + next(_offsets) % _PER_WORKER
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise OSError("no free port")


@contextlib.contextmanager
def silent_port(port=0):
    """A port that drops every SYN, like a host behind a firewall: its listen queue is full."""
    with socket.socket() as listener, contextlib.ExitStack() as fillers:
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
