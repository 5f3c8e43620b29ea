"""Load generators, and the disk's yardstick.

A generator must not be what is measured. Our smtp-source and smtp-sink cost half of what Debian's cost, so they are
the load of everything; Debian's are there for the yardstick (their own rate into one another), and for doubters.
"""
import contextlib
import dataclasses
import os
import pathlib
import subprocess
import time

from support.paths import BUILD, tool
from support.ports import free_port
from support.waiting import wait_until

SENDER = "source@example.com"
PATIENCE = 1800                  # seconds for one measurement; only a system that is stuck takes so long


@dataclasses.dataclass(frozen=True)
class Load:
    """What smtp-source sends: one point of the space that the benchmark looks at."""
    sessions: int = 20
    reuse: bool = True           # one connection a session; else one for each message
    recipients: int = 1
    length: int = 4096

    def __str__(self):
        name = f"{self.sessions:,} session{'s' if self.sessions > 1 else ''}"
        if not self.reuse:
            name += ", new connections"
        if self.recipients > 1:
            name += f", {self.recipients} recipients"
        if self.length != Load.length:
            name += f", {size_text(self.length)}"
        return name


def size_text(length):
    return f"{length >> 20} MiB" if length >= 1 << 20 else f"{length >> 10} KiB"


class Generator:
    """A pair of smtp-source and smtp-sink. `options` are added to what smtp-source is told."""

    def __init__(self, label, path, *options):
        self.label = label
        self._path, self._options = path, options

    def send(self, port, load, messages, recipient):
        """Sends, and returns the seconds until the last message was acknowledged."""
        command = [self._path("smtp-source"), "-s", str(load.sessions), "-l", str(load.length), "-m", str(messages),
                   "-r", str(load.recipients), "-f", SENDER, "-t", recipient, *(["-d"] if load.reuse else []),
                   *self._options, f"inet:127.0.0.1:{port}"]
        begun = time.monotonic()
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if result.returncode:
            raise RuntimeError(f"{' '.join(command)}: {result.stderr[-500:]}")
        return time.monotonic() - begun

    @contextlib.contextmanager
    def sink(self, *options, port=None):
        """A server that stores nothing; yields its port and a function that waits until it has left by itself (-M)."""
        port = port or free_port()
        account = ["-u", "nobody"] if os.getuid() == 0 else []
        command = [self._path("smtp-sink"), "-m", "4000", *account, *options, f"inet:127.0.0.1:{port}", "4000"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                wait_until(lambda: process.poll() is not None or listens(port), "smtp-sink")
                yield port, lambda: process.wait(PATIENCE)
            finally:
                process.terminate()


def listens(port):
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in list(table)[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


# Postfix lets 100 clients wait, and the kernel forgets those that come on top.
OURS = Generator("ours", lambda name: str(BUILD / "sbin" / name), "--connecting", "64")
DEBIAN = Generator("Debian's", tool)
GENERATORS = {"ours": OURS, "debian": DEBIAN}


def disk_rate(directory, volume):
    """Bytes a second that `dd conv=fdatasync` writes into this directory."""
    path = pathlib.Path(directory) / "yardstick"
    blocks = max(volume >> 20, 1)
    begun = time.monotonic()
    subprocess.run(["dd", "if=/dev/zero", f"of={path}", "bs=1M", f"count={blocks}", "conv=fdatasync", "status=none"],
                   check=True, timeout=PATIENCE)
    rate = (blocks << 20) / (time.monotonic() - begun)
    path.unlink()
    return rate
