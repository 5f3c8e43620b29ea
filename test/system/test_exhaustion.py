"""A queue file system that is full, of bytes or of inodes: mail is refused for the moment, nothing that was acknowledged
is lost, nothing crashes, and when there is room again everything goes on without a restart."""
import collections
import re
import time

import pytest

from support.load import LINE, Load
from support.small_disk import SmallDisk
from support.waiting import wait_until

pytestmark = pytest.mark.needs_mount

SMALL, LARGE = 20, 3000         # lines: into the journal; a file of its own
KINDS = pytest.mark.parametrize("kind", ["space", "inodes"])
TEMPORARY = re.compile(r"4\d\d 4\.\d\.\d |4\d\d Error|421 |sendmail 75: |lost: ")


@pytest.fixture
def make_system(make_instance, sink):
    """An instance whose queue is on a small disk of its own and whose mail goes to the sink; retries are quick."""
    made = []

    def make(**parameters):
        instance = make_instance(**{
            "relayhost": f"[127.0.0.1]:{sink.port}", "message_size_limit": 400000, "queue_journal_segment_size": 1 << 18,
            "minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "queue_run_delay": "1s",
            "transport_retry_time": "1s", "smtpd_client_connection_count_limit": 0, "notify_classes": "", **parameters})
        instance.expect_problem("sendmail.*No space left on device")
        instance.disk = SmallDisk(instance.queue)
        made.append(instance)
        return instance

    yield make
    for instance in made:
        try:
            instance.stop()
        finally:
            instance.disk.close()


def steady(instance):
    """The processes that must be the same in the end."""
    return [instance.pids(name) for name in ("master", "qmgr")]


def attempt(client, lines, recipient="user@far.test"):
    """The reply that ended a transaction."""
    for step in (lambda: client.mail("ann@near.test"), lambda: client.rcpt(recipient)):
        if (reply := step()).code != 250:
            return reply
    return client.data(b"Subject: s\r\n\r\n" + LINE * lines)


def send(system, recipient, client=None, check=True):
    """A small message; the reply. Without `client` over a connection of its own."""
    if client is None:
        with system.smtp() as own:
            return send(system, recipient, own, check)
    reply = attempt(client, SMALL, recipient)
    assert reply.code == 250 or not check, reply
    if reply.code != 250:
        client.rset()
    return reply


def arrive(sink, names):
    """Waits until the sink has mail for all these recipients."""
    def missing():
        return set(names) - {name for message in list(sink.messages) for name in message.recipients}
    wait_until(lambda: not missing(), lambda: f"mail for {missing()}", timeout=60)


def check_replies(load):
    unexpected = [reply for reply in load.replies if not TEMPORARY.match(reply)]
    assert not unexpected, unexpected


@KINDS
def test_a_disk_that_fills_up_while_mail_comes_in(make_system, sink, kind):
    system = make_system().start()
    with Load(system, lines=(SMALL, LARGE, SMALL)) as load:
        load.wait_for(20)
        before = steady(system)
        with system.disk.kept_full(kind):
            load.wait_for_reply(r"452 4\.3\.1 ", 10)
            load.wait_for_reply("sendmail 75: ", 5)
        system.disk.free()
        load.wait_for(20)
    check_replies(load)
    load.wait_until_arrived(sink)
    system.wait_until_queue_empty()
    assert steady(system) == before
    assert "signal" not in system.log(), system.log()


@KINDS
def test_a_dead_destination_on_a_full_disk(make_system, sink, kind):
    """What cannot be put off into a file waits in the journal: it is tried from there, at its pace, and arrives."""
    system = make_system(minimal_backoff_time="3s", maximal_backoff_time="3s").start()
    tried = collections.defaultdict(list)
    opened = []

    def answer(recipient):
        tried[recipient].append(time.monotonic())
        return None if opened else "450 4.2.0 later"

    sink.replies["RCPT"] = answer
    names = [f"user{number}@far.test" for number in range(40)]
    send(system, "first@far.test")              # its reason makes the directories
    system.wait_for_log("to=<first@far.test>.*status=deferred")
    with system.smtp() as client:               # has a segment to write to
        send(system, "warm@far.test", client)
        system.disk.fill(kind)
        for name in names:
            send(system, name, client)
    with system.disk.kept_full(kind):
        wait_until(lambda: all(len(tried[name]) >= 3 for name in names),
                   lambda: f"three attempts each: {dict(tried)}; {system.log()[-5000:]}", timeout=60)
    listed = system.run("postqueue", "-p").stdout.decode()
    assert all(name in listed for name in names), listed
    pauses = [later - earlier for name in names for earlier, later in zip(tried[name], tried[name][1:])]
    assert min(pauses) > 1, "a storm of attempts"
    before = steady(system)
    opened.append(True)
    with system.disk.kept_full(kind):
        arrive(sink, names)
    system.disk.free()
    arrive(sink, [*names, "first@far.test", "warm@far.test"])
    system.wait_until_queue_empty()
    assert steady(system) == before
    assert len(sink.messages) == len(names) + 2, "a message came twice"


@KINDS
def test_a_start_with_a_full_disk(make_system, sink, kind):
    system = make_system(minimal_backoff_time="1000s").start()
    sink.replies["RCPT"] = "450 4.2.0 later"
    names = [f"user{number}@far.test" for number in range(5)]
    for name in names:
        send(system, name)
        system.wait_for_log(f"to=<{name}>.*status=deferred")
    system.stop()
    system.disk.fill(kind)
    system.disk.give_back(100)                  # inodes: the socket of each service has one
    system.start()
    system.disk.fill(kind)
    with system.smtp() as client:
        refused = attempt(client, LARGE)
    assert refused.code == 452 and refused.text.startswith("4.3.1 "), refused
    sink.replies.clear()
    with system.disk.kept_full(kind):
        system.run("postqueue", "-f")
        arrive(sink, names)
    system.disk.free()
    wait_until(lambda: send(system, "last@far.test", check=False).code == 250, "mail to be accepted")
    arrive(sink, [*names, "last@far.test"])
    system.wait_until_queue_empty()


@KINDS
def test_a_first_start_with_a_full_disk_says_why(make_system, kind):
    """Without a single directory there is nothing to be done: an error, and no half of a mail system."""
    system = make_system()
    system.expect_problem("No space left on device|master did not start|is not started: repair what is said above first")
    system.disk.fill(kind)
    result = system.run("postfix", "-c", system.config, "start", check=False)
    assert result.returncode != 0 and "No space left on device" in result.stderr.decode() + system.log(), result
    assert not system.processes()
    system.disk.free()
    system.start()
    wait_until(lambda: send(system, "last@far.test", check=False).code == 250, "mail to be accepted")


@KINDS
def test_mail_that_bounces_on_a_full_disk(make_system, sink, kind):
    """No report can be promised: the recipient is put off, and its sender is told when there is room again."""
    system = make_system().start()
    sink.replies["RCPT"] = lambda recipient: "550 5.1.1 nobody" if recipient.startswith("never") else None
    with system.smtp() as client:
        send(system, "warm@far.test", client)
        system.disk.fill(kind)
        send(system, "never@far.test", client)
    with system.disk.kept_full(kind):
        system.wait_for_log("to=<never@far.test>.*status=")
    assert re.search("to=<never@far.test>.*status=deferred", system.log())
    assert "status=bounced" not in system.log()
    system.disk.free()
    arrive(sink, ["warm@far.test", "ann@near.test"])
    system.wait_until_queue_empty()
    assert [message.recipients for message in sink.messages] == [("warm@far.test",), ("ann@near.test",)]
