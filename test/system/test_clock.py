"""A system clock that jumps (set by hand, by NTP after a start, in a virtual machine that was moved) with mail in the
queue: nothing bounces, nothing is warned of, nothing is tried in a storm, nothing is left lying and nothing is lost.

The clock is that of test/support/clock_shift.cc, in real processes over a real queue."""
import collections
import json
import mmap
import struct
import time

import pytest

from support import Instance
from support.fixtures import close_checked
from support.paths import BUILD
from support.waiting import wait_until

DAY = 86400
LARGE = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 3000      # a file of its own
PAUSE = 4           # seconds between attempts


class ShiftedInstance(Instance):
    """jump(seconds) lets the clock of all its processes jump, those that run and those that are started later."""

    def __init__(self, **parameters):
        super().__init__(import_environment="MAIL_CONFIG TZ LANG=C ASAN_OPTIONS UBSAN_OPTIONS LD_PRELOAD CLOCK_SHIFT",
                         **parameters)
        path = self.directory / "clock-shift"
        path.write_bytes(bytes(8))
        path.chmod(0o644)
        with open(path, "r+b") as file:
            self._shift = mmap.mmap(file.fileno(), 8)

    def environment(self):
        return super().environment() | {"LD_PRELOAD": str(BUILD / "test" / "libclock_shift.so"),
                                        "CLOCK_SHIFT": str(self.directory / "clock-shift")}

    def jump(self, seconds):
        now, = struct.unpack("<q", self._shift[:])
        self._shift[:] = struct.pack("<q", now + seconds)


@pytest.fixture
def make_shifted(sink):
    """Instances that relay to the sink; more parameters as keywords."""
    made = []

    def make(**parameters):
        made.append(ShiftedInstance(**{"relayhost": f"[127.0.0.1]:{sink.port}", "queue_run_delay": "1s",
                                       "delay_warning_time": "1h", **parameters}))
        return made[-1].start()

    yield make
    close_checked(made)


class Attempts:
    """As sink.replies["RCPT"]: says "later" until `open` is set, and notes when each recipient was tried."""

    def __init__(self):
        self.open = False
        self.times = collections.defaultdict(list)

    def __call__(self, recipient):
        self.times[recipient].append(time.monotonic())
        return None if self.open or recipient.startswith("live") else "450 4.2.0 later"

    def count(self):
        return sum(map(len, list(self.times.values())))


@pytest.fixture
def attempts(sink):
    sink.replies["RCPT"] = found = Attempts()
    return found


def send(instance, recipient, message=b"Subject: s\r\n\r\nhello\r\n"):
    with instance.smtp() as client:
        return client.deliver("ann@near.test", recipient, message)


def send_and_defer(instance, settled=True):
    """Deferred mail, small and large; the queue ids. Not settled: somebody may still be about to put it into deferred/."""
    ids = [send(instance, f"later{number}@far.test") for number in range(5)]
    ids.append(send(instance, "large@far.test", LARGE))
    def listed():
        messages = map(json.loads, instance.run("postqueue", "-j").stdout.decode().splitlines())
        return sorted((message["queue_id"], message["queue_name"]) for message in messages)
    for queue_id in ids:
        instance.wait_for_log(rf"{queue_id}: to=.*status=deferred")
    if not settled:
        return ids
    waiting = sorted((queue_id, "deferred") for queue_id in ids)        # and nothing is active
    wait_until(lambda: listed() == waiting, lambda: f"{waiting}, not {listed()}", interval=0.1)
    return ids


def open_and_check(instance, sink, attempts, ids):
    """The sink takes everything: each message arrives once, nobody got a report or a warning."""
    attempts.open = True
    instance.run("postqueue", "-f")
    for queue_id in ids:
        instance.wait_for_log(rf"{queue_id}: removed")
    instance.wait_until_queue_empty()
    assert all(message.sender.strip("<>") for message in sink.messages), "a report: mail was returned, or a delay was warned of"
    arrived = collections.Counter(recipient for message in sink.messages for recipient in message.recipients)
    assert all(arrived[f"later{number}@far.test"] == 1 for number in range(5)) and arrived["large@far.test"] == 1
    assert "expired" not in instance.log()


@pytest.mark.parametrize("settled", [True, False], ids=["settled", "being-put-off"])
@pytest.mark.parametrize("jump", [10 * DAY, -DAY], ids=["forward", "back"])
def test_a_jump_with_mail_that_is_not_due(make_shifted, sink, attempts, jump, settled):
    system = make_shifted(minimal_backoff_time="1000s", maximal_backoff_time="4000s")
    ids = send_and_defer(system, settled)
    tried = attempts.count()
    with system.smtp() as client:
        assert client.mail("ann@near.test").code == client.rcpt("live0@far.test").code == 250
        system.jump(jump)                       # in the middle of a session
        assert client.data(b"Subject: across\r\n\r\n").code == 250
    system.wait_for_log(rf"warning: the clock jumped {'forward' if jump > 0 else 'back'} by {abs(jump)} seconds")
    for number in range(1, 4):                  # new mail; each a round of the queue manager
        send(system, f"live{number}@far.test")
        wait_until(lambda: attempts.times[f"live{number}@far.test"], "the delivery of new mail")
    system.run("postqueue", "-p")
    assert attempts.count() == tried + 4, "deferred mail was tried, though nothing was due"
    open_and_check(system, sink, attempts, ids)


@pytest.mark.parametrize("jumps", [[10 * DAY], [-DAY], [300 * DAY, -300 * DAY]], ids=["forward", "back", "to-and-fro"])
def test_retries_go_on_at_their_pace(make_shifted, sink, attempts, jumps):
    system = make_shifted(minimal_backoff_time=f"{PAUSE}s", maximal_backoff_time=f"{PAUSE}s")
    begin = time.monotonic()
    ids = send_and_defer(system)
    for jump in jumps:
        system.jump(jump)
        before = {recipient: len(times) for recipient, times in attempts.times.items()}
        wait_until(lambda: all(len(attempts.times[recipient]) >= count + 2 for recipient, count in before.items()),
                   lambda: f"two more attempts after a jump by {jump} s: {before}; {system.log()[-5000:]}")
    # The queue manager counts in whole seconds.
    most = (time.monotonic() - begin) / (PAUSE - 1) + 1
    assert all(len(times) <= most for times in attempts.times.values()), f"a storm: {dict(attempts.times)}"
    send(system, "live@far.test")
    wait_until(lambda: attempts.times["live@far.test"], "the delivery of new mail")
    open_and_check(system, sink, attempts, ids)


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])
def test_a_start_with_another_time_than_that_of_the_stop(make_shifted, sink, attempts, jump):
    """What a machine does whose clock was wrong while it was off. A day makes no mail too old."""
    system = make_shifted(minimal_backoff_time=f"{PAUSE}s", maximal_backoff_time=f"{2 * PAUSE}s", delay_warning_time="0")
    ids = send_and_defer(system)
    system.stop()
    system.jump(jump)
    tried = dict.fromkeys(attempts.times, 0) | {recipient: len(times) for recipient, times in attempts.times.items()}
    system.start()
    wait_until(lambda: all(len(attempts.times[recipient]) > count for recipient, count in tried.items()),
               lambda: f"another attempt each, without a flush: {tried}; {system.log()[-5000:]}")
    open_and_check(system, sink, attempts, ids)
