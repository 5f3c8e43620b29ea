"""What 250 to the final dot means: the message is on disk. Faults of the disk are made by test/crash/recorder.cc."""
import collections
import concurrent.futures
import pathlib
import sys
import tempfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "crash"))

import recorded  # noqa: E402
import replay  # noqa: E402
from support.smtp_client import Disconnected  # noqa: E402
from support.waiting import wait_until  # noqa: E402

SMALL = b"Subject: small\r\n\r\nhello\r\n"
MEDIUM = b"Subject: medium\r\n\r\n" + (b"x" * 70 + b"\r\n") * 700      # still goes into the journal
LARGE = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 2000       # gets a file of its own


@pytest.fixture
def make_recorded(sink):
    """Starts an instance under the recorder, with its faults as keywords; everything goes to the sink."""
    made = []

    def make(**faults):
        instance = recorded.RecordedInstance(**recorded.parameters(sink.port))
        made.append(instance)
        instance.prepare(**faults)
        return instance.start()

    yield make
    problems = []
    for instance in made:
        problems += instance.problems()
        instance.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def fault():
    """A file whose existence switches a fault on; every account can see it."""
    with tempfile.TemporaryDirectory(prefix="ph-fault-", dir="/tmp") as name:
        directory = pathlib.Path(name)
        directory.chmod(0o755)
        yield directory / "on"


def seconds_until_answered(client, message):
    assert client.mail("a@example.com").code == client.rcpt("x@sink.test").code == 250
    assert client.command("DATA").code == 354
    client.send(message)
    begin = time.monotonic()
    client.send(b".\r\n")
    assert client.reply().code == 250
    return time.monotonic() - begin


def attempt(instance, message, recipient="x@sink.test"):
    """The reply that ended a transaction; (0, ...) if the connection broke."""
    try:
        with instance.smtp() as client:
            for step in (lambda: client.mail("a@example.com"), lambda: client.rcpt(recipient)):
                if (reply := step()).code != 250:
                    return reply
            return client.data(message)
    except (OSError, Disconnected) as error:
        return (0, str(error))


def test_no_250_before_a_slow_sync_has_ended(make_recorded, sink):
    instance = make_recorded(fsync_delay_ms=100)
    with instance.smtp() as client:
        for message in (SMALL, SMALL, MEDIUM, LARGE, SMALL):
            assert seconds_until_answered(client, message) >= 0.1
    sink.wait_for(5)


def test_a_sync_that_fails_gives_451_to_all_that_waited_for_it(make_recorded, sink, fault):
    instance = make_recorded(fsync_fail="journal/0*", fsync_fail_when=fault)
    assert attempt(instance, SMALL)[0] == 250
    fault.touch()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: attempt(instance, SMALL), range(8)))
    assert {reply[0] for reply in replies} <= {451, 421, 0}, replies
    assert 451 in {reply[0] for reply in replies}
    fault.unlink()
    wait_until(lambda: attempt(instance, b"Subject: afterwards\r\n\r\n")[0] == 250, "mail to be accepted again")
    wait_until(lambda: any(b"afterwards" in message.content for message in sink.messages), "the later message")


def test_a_queue_file_whose_sync_fails_gives_451_and_is_removed(make_recorded, sink, fault):
    instance = make_recorded(fsync_fail="incoming/*", fsync_fail_when=fault)
    fault.touch()
    assert attempt(instance, LARGE)[0] == 451
    wait_until(lambda: not list((instance.queue / "incoming").iterdir()), "the removal of the file")
    assert attempt(instance, SMALL)[0] == 250
    fault.unlink()
    assert attempt(instance, LARGE)[0] == 250
    sink.wait_for(2)
    assert sorted(len(message.content) for message in sink.messages)[-1] > len(LARGE) > \
        sorted(len(message.content) for message in sink.messages)[0]


def test_a_directory_whose_sync_fails_gives_451(make_recorded, fault):
    instance = make_recorded(fsync_fail="incoming/", fsync_fail_when=fault)
    fault.touch()
    assert attempt(instance, LARGE)[0] == 451


def test_a_full_disk_refuses_for_the_moment_and_loses_nothing(make_recorded, sink, fault):
    instance = make_recorded(no_space_when=fault)
    assert attempt(instance, SMALL)[0] == 250
    sink.wait_for(1)
    sink.replies["RCPT"] = "450 4.2.0 later"
    fault.touch()
    assert attempt(instance, LARGE)[0] in (451, 452)
    assert not list((instance.queue / "incoming").iterdir())
    # The segments that exist take what fits; survivors find no room in files and stay where they are.
    accepted = 0
    while (reply := attempt(instance, MEDIUM))[0] == 250:
        accepted += 1
        assert accepted < 500
    assert reply[0] in (451, 452)
    assert accepted > 0
    fault.unlink()
    del sink.replies["RCPT"]
    wait_until(lambda: attempt(instance, SMALL)[0] == 250, "mail to be accepted again")
    wait_until(lambda: sum(b"medium" in message.content for message in sink.messages) >= accepted,
               lambda: f"{accepted} messages, have {len(sink.messages)}; {instance.log()[-3000:]}", 60)
    contents = {len(message.content) for message in sink.messages if b"medium" in message.content}
    assert len(contents) == 1, "messages of different sizes: one is not whole"


def syncs_under_way(instance):
    """The most syncs of one segment that smtpd had under way at a time, and how many it has under way now."""
    syncs, most = collections.Counter(), 0
    for record in replay.read_log(instance.record):
        if record.program == "smtpd" and record.path.startswith("journal/0"):
            syncs[record.path] += {replay.SYNC_BEGIN: 1, replay.SYNC_END: -1}.get(record.kind, 0)
            most = max(most, syncs[record.path])
    return most, sum(syncs.values())


def test_the_next_batch_is_synced_beside_the_one_that_is_under_way(make_recorded, sink):
    instance = make_recorded(fsync_delay_ms=2000)
    with instance.smtp() as warm_up:                    # its segment is claimed, the ids are leased
        seconds_until_answered(warm_up, SMALL)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(attempt, instance, SMALL)
        wait_until(lambda: syncs_under_way(instance)[1], "the sync of the first batch")
        second = pool.submit(attempt, instance, SMALL)
        assert first.result()[0] == second.result()[0] == 250
    sink.wait_for(3)
    assert syncs_under_way(instance)[0] == 2


@pytest.mark.parametrize("command", ["stop", "reload"])
def test_a_report_is_made_once_when_the_system_stops_meanwhile(make_recorded, sink, command):
    """bounce finishes what was read of requests, and the queue manager waits for it."""
    sink.replies["RCPT"] = lambda address: "550 5.1.1 no such recipient" if address.startswith("never") else None
    instance = make_recorded(fsync_delay_ms=500)
    with instance.smtp() as client:
        assert client.mail("source@sink.test").code == client.rcpt("never@sink.test").code == 250
        assert client.data(SMALL).code == 250
    wait_until(lambda: any(record.program == "bounce" and replay.arrow_of(record) == "batch-written"
                           for record in replay.read_log(instance.record)), "the report to be written", 60)
    instance.run("postfix", "-c", instance.config, command)
    if command == "stop":
        wait_until(lambda: not instance.processes(), "the end of all processes")
        instance.start()
    sink.wait_for(1)
    instance.wait_until_queue_empty()
    assert [message.recipients for message in sink.messages] == [("source@sink.test",)]
