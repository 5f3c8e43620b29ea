"""The queue of a real Postfix (Debian's, tools/yardstick) is delivered by Posthaste after the switch, and the other way
round after postsuper --export."""
import json
import os
import pwd
import re
import shutil
import socket
import subprocess

import pytest

from support import configuration
from support.waiting import wait_until

pytestmark = pytest.mark.needs_root     # Postfix does

BODY = b"From: ann@a.test\r\nTo: x@far.test\r\nSubject: hi\r\nMessage-ID: <1@a.test>\r\n" \
       b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\nhello\r\n.dot\r\n" + b"long " * 180 + b"\r\n"
NAMES = {"enable_long_queue_ids": True, "hash_queue_depth": 2}


def later(address, *_):
    """What the sink says to RCPT: ok*@ is taken, others have to wait."""
    return None if address.startswith("ok") else "450 4.2.0 later"


@pytest.fixture
def system(make_instance, sink):
    """Makes a system of either kind that relays to the sink and tries again after a quarter of an hour."""
    def make(kind, **parameters):
        return make_instance(kind=kind, relayhost=f"[127.0.0.1]:{sink.port}", minimal_backoff_time="1000s",
                             virtual_alias_domains="v.test",
                             virtual_alias_maps="inline:{{list@v.test=one@far.test, two@far.test}}", **parameters)
    return make


def switch(instance, kind):
    """The other mail system takes the place of this one, with its configuration and its queue."""
    instance.stop()
    old = configuration.default_main(instance.directory, instance.kind, instance.address)
    own = {name: value for name, value in instance.parameters.items() if old.get(name) != value}
    instance.kind = kind
    instance.parameters = configuration.default_main(instance.directory, kind, instance.address) | own
    instance.write_configuration()
    instance.maillog.unlink()
    return instance


def files(instance, *queues):
    return [path for queue in queues or ("incoming", "active", "deferred", "hold", "maildrop")
            for path in (instance.queue / queue).resolve().rglob("*") if path.is_file()]


def listed(instance):
    """What postqueue -j says, by queue id."""
    return {message["queue_id"]: message for message in
            map(json.loads, instance.run("postqueue", "-j").stdout.decode().splitlines())}


def send(instance, recipients, sender="ann@a.test", body=BODY, options=""):
    with instance.smtp() as client:
        assert client.command(f"MAIL FROM:<{sender}> {options}".rstrip()).code == 250
        for recipient in recipients.split():
            address, _, parameters = recipient.partition("/")
            assert client.command(f"RCPT TO:<{address}> {parameters.replace('/', ' ')}".rstrip()).code == 250
        reply = client.data(body)
    assert reply.code == 250, reply
    return re.search(r"queued as (\w+)", reply.text)[1]


def deferred(instance, *ids):
    """Waits until these messages have been tried."""
    def done():
        queue = listed(instance)
        return all(id in queue and queue[id]["queue_name"] == "deferred" for id in ids)
    wait_until(done, lambda: f"{ids} deferred: {listed(instance)}")


def content(message):
    """What the sender wrote: without the Received: header of the mail systems."""
    return message.content[message.content.index(b"From:"):]


def delivered(sink):
    return {(message.sender.strip("<>"), recipient) for message in sink.messages for recipient in message.recipients}


@pytest.fixture
def sink(sink):
    sink.replies["RCPT"] = later
    return sink


def fill(instance):
    """Mail of many kinds in the deferred queue: {queue id: recipients that are left}."""
    return {
        send(instance, "ok1@far.test two@far.test"): {"two@far.test"},
        send(instance, "list@v.test", sender=""): {"one@far.test", "two@far.test"},
        send(instance, "dsn@far.test/NOTIFY=SUCCESS,FAILURE/ORCPT=rfc822;o+2Bo@far.test", sender="dsn@a.test",
             options="RET=HDRS ENVID=e+2Be BODY=8BITMIME"): {"dsn@far.test"},
        send(instance, "large@far.test", sender="large@a.test", body=BODY + b"0123456789abcde\r\n" * 65536):
            {"large@far.test"},
    }


@pytest.mark.parametrize("names", [{}, NAMES], ids=["short-ids", "long-ids"])
def test_what_postfix_had_in_its_queue_is_delivered(system, sink, names):
    postfix = system("postfix", **names).start()
    waiting = fill(postfix)
    deferred(postfix, *waiting)
    held = send(postfix, "held@far.test", sender="held@a.test")
    deferred(postfix, held)
    postfix.run("postsuper", "-h", held)
    moved = {place: send(postfix, f"{place}@far.test", sender="moved@a.test") for place in ("incoming", "active")}
    broken = send(postfix, "broken@far.test")
    deferred(postfix, broken, *moved.values())
    postfix.stop()
    before = {path.name: path for path in files(postfix, "deferred")}
    for place, queue_id in moved.items():
        before[queue_id].rename(postfix.queue / place / queue_id)
    due = before[broken].stat().st_mtime
    os.truncate(before[broken], before[broken].stat().st_size - 10)
    os.utime(before[broken], (due, due))
    postfix.sendmail("-i", "-f", "dropped@a.test", "-F", "Full Name", "dropped@far.test", stdin=b"Subject: s\n\ntext\n.\nend")
    already = len(sink.messages)

    ours = switch(postfix, "posthaste")
    queue = listed(ours)                       # with the mail system down
    for queue_id, recipients in waiting.items():
        assert queue[queue_id]["queue_name"] == "deferred"
        assert {each["address"] for each in queue[queue_id]["recipients"]} == recipients
        assert "450 4.2.0 later" in queue[queue_id]["recipients"][0]["delay_reason"]
    assert queue[held]["queue_name"] == "hold"
    assert b"sender: dsn@a.test\n" in ours.run("postcat", "-q", list(waiting)[2]).stdout
    assert b"\nhello\n.dot\n" in ours.run("postcat", "-q", held).stdout

    sink.replies["RCPT"] = None
    ours.start()
    ours.wait_for_log(f"{moved['active']}: removed")
    ours.wait_for_log(f"{moved['incoming']}: removed")
    assert {path.name for path in files(ours, "deferred", "hold")} == {*waiting, held, broken}, "nothing else is due"
    assert listed(ours)[held]["recipients"][0]["address"] == "held@far.test"
    ours.run("postqueue", "-f")
    for queue_id in waiting:
        ours.wait_for_log(rf"{queue_id}: removed")
    ours.run("postsuper", "-H", held)
    ours.run("postqueue", "-i", held)
    ours.wait_until_queue_empty()
    assert delivered(sink) == {
        ("ann@a.test", "ok1@far.test"), ("ann@a.test", "two@far.test"), ("", "one@far.test"), ("", "two@far.test"),
        ("dsn@a.test", "dsn@far.test"), ("large@a.test", "large@far.test"), ("held@a.test", "held@far.test"),
        ("moved@a.test", "incoming@far.test"), ("moved@a.test", "active@far.test"),
        ("dropped@a.test", "dropped@far.test"), ("", "dsn@a.test")}
    assert sum(len(message.recipients) for message in sink.messages) == 11, "nobody got a message twice"
    for message in sink.messages[already:]:
        if message.recipients == ("dsn@a.test",):
            assert b"Original-Envelope-Id: e+e\r\n" in message.content
            assert b"Original-Recipient: rfc822;o+o@far.test\r\n" in message.content
        elif message.sender == "dropped@a.test":
            assert message.content.endswith(b"From: Full Name <dropped@a.test>\r\n\r\ntext\r\n.\r\nend\r\n")
        else:
            assert content(message).startswith(BODY)
    ours.wait_for_log(f"{broken}: .*moved to the corrupt queue")
    assert (ours.queue / "corrupt" / broken).exists()


def test_mail_that_postfix_left_can_be_held_released_requeued_and_deleted(system, sink):
    postfix = system("postfix").start()
    first, second, third = (send(postfix, f"{name}@far.test") for name in ("first", "second", "third"))
    deferred(postfix, first, second, third)
    postfix.stop()
    ours = switch(postfix, "posthaste")
    ours.run("postfix", "check")
    ours.run("postsuper", "-h", first)                          # down
    assert listed(ours)[first]["queue_name"] == "hold"
    ours.start()
    ours.run("postsuper", "-d", second)
    assert set(listed(ours)) == {first, third}
    ours.run("postsuper", "-h", third)
    assert listed(ours)[third]["queue_name"] == "hold"
    sink.replies["RCPT"] = None
    ours.run("postsuper", "-r", third)
    ours.wait_for_log(f"{third}: removed")
    ours.run("postsuper", "-d", "ALL")
    assert ours.queue_is_empty() and not files(ours)


def test_mail_that_postfix_requeued_or_expired_is_taken_so(system, sink):
    postfix = system("postfix").start()
    requeued = send(postfix, "requeued@far.test")
    expired = send(postfix, "expired@far.test", sender="ok-sender@a.test")
    deferred(postfix, requeued, expired)
    postfix.stop()
    postfix.maillog.chmod(0o666)               # postsuper of this version writes as mail_owner
    postfix.run("postsuper", "-r", requeued)
    postfix.run("postsuper", "-e", expired)
    assert [path.name for path in files(postfix, "maildrop")] == [requeued]
    ours = switch(postfix, "posthaste")
    assert listed(ours)[requeued]["queue_name"] == "maildrop"
    assert listed(ours)[expired]["forced_expire"]
    ours.start()
    ours.wait_for_log(r"to=<requeued@far.test>.*status=deferred")
    ours.run("postqueue", "-f")
    ours.wait_for_log(rf"{expired}: from=<ok-sender@a.test>, status=force-expired, returned to sender")
    wait_until(lambda: ("", "ok-sender@a.test") in delivered(sink), lambda: f"the bounce: {sink.messages}\n{ours.log()}")


# --- back to Postfix

def said(result):
    return result.stderr.decode()


def use_export(instance, directory):
    """The exported queue becomes the queue of a Postfix, whose start may rename files and says so in the log."""
    instance.queue.rename(instance.directory / "left-behind")
    directory.rename(instance.queue)
    switch(instance, "postfix")
    instance.maillog.touch()
    instance.maillog.chmod(0o666)
    return instance.start()


@pytest.mark.parametrize("names", [{}, NAMES], ids=["short-ids", "long-ids"])
def test_what_was_exported_is_delivered_by_postfix(system, sink, names):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ours = system("posthaste", transport_maps=f"inline:{{slow.test=smtp:[127.0.0.1]:{silent.getsockname()[1]}}}",
                      **names).start()
        waiting = fill(ours)
        held = send(ours, "held@far.test", sender="held@a.test")
        deferred(ours, *waiting, held)
        ours.run("postsuper", "-h", held)
        wait_until(lambda: listed(ours)[held]["queue_name"] == "hold", f"{held} on hold")
        journaled = send(ours, "one@slow.test", sender="journal@a.test")
        active = send(ours, "two@slow.test", sender="active@a.test", body=BODY + b"0123456789abcde\r\n" * 20000)
        ours.wait_for_log(rf"{active}: from=.*\(queue active\)")
        ours.wait_for_log(rf"{journaled}: from=.*\(queue active\)")
        directory = ours.directory / "back"
        ours.expect_problem("postsuper.*fatal: (the mail system is running|Postfix cannot read)")
        refused = ours.run("postsuper", "--export", directory, check=False)
        assert refused.returncode == 1 and "the mail system is running: stop it (postfix stop)" in said(refused)
        ours.kill_all()
    ours.sendmail("-i", "-f", "dropped@a.test", "-F", "Full Name", "dropped@far.test", stdin=b"Subject: s\n\ntext\n.\nend")
    shutil.chown(files(ours, "maildrop")[0], configuration.LOCAL_USER)     # postdrop is not set-gid here
    before = len(sink.messages)

    refused = ours.run("postsuper", "--check-export", check=False)
    assert refused.returncode == 1
    assert f"Postfix cannot read {len(waiting) + 4} messages of this queue: run postsuper --export DIR first" in said(refused)
    times = {path.name: path.stat().st_mtime for path in files(ours, "deferred")}
    result = ours.run("postsuper", "--export", directory)
    assert f"Moved to {directory}: 1 from the journal, 1 active, {len(waiting)} deferred, 1 on hold, 1 of maildrop " \
           "(no longer in this queue; to put them back, with the mail system stopped: " \
           f"cp -a {directory}/. {ours.queue}/)" in said(result)
    assert ours.run("postsuper", "--check-export").returncode == 0
    assert listed(ours) == {} and not files(ours)
    for path in files(ours, "../back"):
        relative = path.relative_to(directory)
        status = path.stat()
        submission = relative.parts[0] == "maildrop"
        owner = configuration.LOCAL_USER if submission else configuration.MAIL_OWNER
        assert status.st_uid == pwd.getpwnam(owner).pw_uid
        if relative.parts[0] != "defer":
            assert oct(status.st_mode & 0o777) == oct(0o744 if submission else 0o700)
        if relative.parts[0] == "deferred":
            assert abs(status.st_mtime - times[path.name]) < 0.001
    ours.configure(transport_maps="")

    postfix = use_export(ours, directory)
    queue = {tuple(sorted(each["address"] for each in message["recipients"])): message
             for message in listed(postfix).values()}
    assert queue[("held@far.test",)]["queue_name"] == "hold"
    assert "450 4.2.0 later" in queue[("dsn@far.test",)]["recipients"][0]["delay_reason"]
    sink.replies["RCPT"] = None
    postfix.run("postsuper", "-H", "ALL")
    postfix.run("postqueue", "-f")
    wait_until(lambda: len(delivered(sink)) >= 11, lambda: f"{delivered(sink)}\n{postfix.log()}")
    postfix.run("postqueue", "-f")
    postfix.wait_until_queue_empty()
    assert delivered(sink) == {
        ("ann@a.test", "ok1@far.test"), ("ann@a.test", "two@far.test"), ("", "one@far.test"), ("", "two@far.test"),
        ("dsn@a.test", "dsn@far.test"), ("large@a.test", "large@far.test"), ("held@a.test", "held@far.test"),
        ("journal@a.test", "one@slow.test"), ("active@a.test", "two@slow.test"), ("dropped@a.test", "dropped@far.test"),
        ("", "dsn@a.test")}
    assert sum(len(message.recipients) for message in sink.messages) == 11, "nobody got a message twice"
    for message in sink.messages[before:]:
        if message.recipients == ("dsn@a.test",):
            assert b"Original-Envelope-Id: e+e" in message.content
        elif message.sender == "dropped@a.test":
            assert f"from userid {pwd.getpwnam(configuration.LOCAL_USER).pw_uid}".encode() in message.content
            assert message.content.endswith(b"text\r\n.\r\nend\r\n")
        else:
            assert content(message).startswith(BODY)
    assert "corrupt" not in postfix.log()


def test_what_was_exported_can_be_put_back(system, sink):
    ours = system("posthaste").start()
    waiting = fill(ours)
    held = send(ours, "held@far.test", sender="held@a.test")
    deferred(ours, *waiting, held)
    ours.run("postsuper", "-h", held)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ours.configure(transport_maps=f"inline:{{slow.test=smtp:[127.0.0.1]:{silent.getsockname()[1]}}}")
        ours.reload()
        journaled = send(ours, "one@slow.test", sender="journal@a.test")
        ours.wait_for_log(rf"{journaled}: from=.*\(queue active\)")
        ours.kill_all()
    ours.sendmail("-i", "-f", "dropped@a.test", "dropped@far.test", stdin=b"Subject: s\n\ntext\n")
    before = listed(ours)
    ours.run("postsuper", "--export", ours.directory / "back")
    assert listed(ours) == {}
    subprocess.run(["cp", "-a", f"{ours.directory}/back/.", f"{ours.queue}/"], check=True)

    def known(queue):
        """What the copies keep; new mail is found in incoming/ or active/."""
        return {queue_id: (message["queue_name"].replace("active", "incoming"), message["sender"],
                           message["arrival_time"], {each["address"] for each in message["recipients"]})
                for queue_id, message in queue.items()}
    assert known(listed(ours)) == known(before)
    ours.configure(transport_maps="")
    sink.replies["RCPT"] = None
    ours.start()
    ours.run("postqueue", "-f")
    for queue_id in (*waiting, journaled):
        ours.wait_for_log(rf"{queue_id}: removed")
    wait_until(lambda: list(listed(ours)) == [held], lambda: f"only {held}: {listed(ours)}")
    ours.run("postsuper", "-H", held)
    ours.wait_until_queue_empty()
    assert delivered(sink) == {
        ("ann@a.test", "ok1@far.test"), ("ann@a.test", "two@far.test"), ("", "one@far.test"), ("", "two@far.test"),
        ("dsn@a.test", "dsn@far.test"), ("large@a.test", "large@far.test"), ("held@a.test", "held@far.test"),
        ("journal@a.test", "one@slow.test"), ("dropped@a.test", "dropped@far.test"), ("", "dsn@a.test")}
    assert sum(len(message.recipients) for message in sink.messages) == 10, "nobody got a message twice"


def test_what_was_not_taken_over_yet_goes_back_as_it_was(system, sink):
    postfix = system("postfix").start()
    waiting = fill(postfix)
    deferred(postfix, *waiting)
    ours = switch(postfix, "posthaste")
    ours.run("postfix", "check")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime) for path in files(ours)}
    assert ours.run("postsuper", "--check-export").returncode == 0, "Postfix can read all of it"
    ours.run("postsuper", "--export", ours.directory / "back")
    assert {path.name: (path.read_bytes(), path.stat().st_mtime) for path in files(ours, "../back/deferred")} == before
    assert not files(ours)


def test_an_export_goes_nowhere_near_the_queue_and_leaves_what_is_damaged(system, sink):
    ours = system("posthaste").start()
    ours.expect_problem("postsuper.*fatal: .*must not be in the queue directory")
    good, bad = send(ours, "x@far.test"), send(ours, "y@far.test")
    deferred(ours, good, bad)
    ours.stop()
    for directory in (ours.queue, ours.queue / "back"):
        refused = ours.run("postsuper", "--export", directory, check=False)
        assert refused.returncode == 1 and "must not be in the queue directory" in said(refused)
    damaged = next(path for path in files(ours, "deferred") if path.name == bad)
    status = damaged.stat()
    damaged.write_bytes(damaged.read_bytes().replace(b"hello", b"hullo"))
    os.utime(damaged, (status.st_mtime, status.st_mtime))
    result = ours.run("postsuper", "--export", ours.directory / "back", check=False)
    assert result.returncode == 1
    assert f"{bad}: not exported: message {bad} is damaged" in said(result)
    assert [path.name for path in files(ours, "../back/deferred")] == [good]
    assert [path.name for path in files(ours)] == [bad]
