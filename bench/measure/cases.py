"""What is measured as a rate: accepting, relaying, local delivery, LMTP; one class each, and the lists of cases.

One dimension at a time leaves the middle (20 sessions, connections reused, one recipient, 4 KiB).
"""
import time

from measure.contestants import DISK, NO_STORAGE, POSTFIX
from measure.load import DEBIAN, OURS, Load
from support.configuration import local_user
from support.ports import free_port

LARGE = 1 << 20                  # from here on a rate is told in MB/s, beside the disk's
RELAY_PORT, LMTP_PORT = free_port(), free_port()
ROUTES = {"drop.test": "discard:", "far.test": f"smtp:[127.0.0.1]:{RELAY_PORT}",
          "store.test": f"lmtp:inet:127.0.0.1:{LMTP_PORT}", "maildir.test": "maildir:"}


class Case:
    """One row of the table. Messages that are delivered late belong to the time of a delivery, not of an accept."""
    group = name = recipient = ""

    def __init__(self, load=Load(), generator=OURS):
        self.load, self.generator = load, generator

    def wants(self, label):
        """Whether this contestant takes part; the mail systems always do."""
        return label not in (NO_STORAGE, DISK) or (label == DISK and self.load.length >= LARGE)

    @property
    def unit(self):
        return "MB/s" if self.load.length >= LARGE else "messages/s"

    def figure(self, messages, seconds):
        """The rate in the row's unit."""
        return messages / seconds * (self.load.length / 1e6 if self.load.length >= LARGE else 1)

    @property
    def fewest(self):
        """Messages below which the sessions would not all be at work."""
        return self.load.sessions * (2 if self.load.reuse and self.load.length < LARGE else 1)


class Accept(Case):
    """Until the last message is acknowledged; recipients are discarded."""
    group, recipient = "accept", "x@drop.test"

    @property
    def name(self):
        return f"accept, {self.load}" + (", Debian's generator" if self.generator is DEBIAN else "")

    def wants(self, label):
        # Debian's generator waits in vain for a server that serves 100 clients at a time.
        if label == POSTFIX and self.generator is DEBIAN and self.load.sessions > 100:
            return False
        return label == NO_STORAGE or super().wants(label)

    def run(self, system, messages):
        return self.generator.send(system.port, self.load, messages, self.recipient)


class ToSink(Case):
    """From the first byte until a smtp-sink has the last message: it leaves then (-M)."""
    port, options = 0, ()

    def run(self, system, messages):
        with self.generator.sink("-M", str(messages), *self.options, port=self.port) as (_, wait):
            begun = time.monotonic()
            self.generator.send(system.port, self.load, messages, self.recipient)
            wait()
            seconds = time.monotonic() - begun
        # Debian's sink leaves without an answer to its last client: that message is sent again.
        with self.generator.sink(*self.options, port=self.port):
            system.instance.run("postqueue", "-f")
            system.drain()
        return seconds


class Relay(ToSink):
    group, recipient, port = "relay", "x@far.test", RELAY_PORT

    @property
    def name(self):
        return f"relay to a sink, {self.load}"


class Lmtp(ToSink):
    group, name, recipient = "local", "LMTP to a sink", "x@store.test"
    port, options = LMTP_PORT, ("-L",)


class Local(Case):
    """Until the log says that the last message is in the mailbox of the one local user."""
    group = "local"

    def __init__(self, kind, generator=OURS):
        super().__init__(Load(), generator)
        self.name = f"local {kind}"
        self.recipient = f"{local_user()}@{kind}.test"

    def run(self, system, messages):
        with system.counting_deliveries() as wait_for:
            begun = time.monotonic()
            self.generator.send(system.port, self.load, messages, self.recipient)
            wait_for(messages)
            seconds = time.monotonic() - begun
        system.drain()
        system.empty_mailboxes()
        return seconds


def accept_cases(full, generator):
    loads = [Load(sessions=sessions, reuse=reuse) for reuse in (True, False)
             for sessions in ((1, 20, 100, 1000) if reuse or full else (20, 100))]
    loads += [Load(recipients=recipients) for recipients in (10, 100)]
    loads += [Load(length=length) for length in (1 << 10, 100 << 10, 1 << 20, 20 << 20)]
    cases = [Accept(load, generator) for load in loads]
    if generator is OURS:                         # the yardstick of the goals: Debian's source into Debian's sink
        cases += [Accept(Load(sessions=sessions), DEBIAN) for sessions in (20, 100)]
    return cases


def delivery_cases(full, generator):
    lengths = (Load.length, 100 << 10, 1 << 20, 20 << 20) if full else (Load.length, 1 << 20)
    relays = [Relay(Load(length=length), generator) for length in lengths]
    if full:
        relays += [Relay(Load(sessions=sessions), generator) for sessions in (1, 100)]
    return [*relays, Local("maildir", generator), Local("mbox", generator), Lmtp(Load(), generator)]
