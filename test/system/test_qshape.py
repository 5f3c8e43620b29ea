"""qshape(1): the queue by domain and age, in the form of Postfix's own, wherever the mail lies."""
import shutil
import socket
import subprocess
import time

import pytest

from support.paths import ROOT, YARDSTICK_ROOT
from support.waiting import wait_until

BODY = b"Subject: hi\r\n\r\nhello\r\n"
POSTFIX_QSHAPE = YARDSTICK_ROOT / "usr/sbin/qshape"


def send(instance, sender, *recipients):
    with instance.smtp() as client:
        client.mail(sender)
        for recipient in recipients:
            client.rcpt(recipient)
        return client.data(BODY)[1].split()[-1]


def rows(instance, *arguments):
    """{domain: counts}, and the heading's words under ''."""
    lines = instance.run("qshape", *arguments).stdout.decode().splitlines()
    assert all(len(line) == len(lines[0]) for line in lines)
    return {"": lines[0].split()} | {line.split()[0]: list(map(int, line.split()[1:])) for line in lines[1:]}


@pytest.fixture
def waiting(make_instance):
    return make_instance(transport_maps="inline:{wait.test=retry:, sub.wait.test=retry:}", smtpd_reject_unlisted_recipient=False).start()


@pytest.fixture(params=["running", "stopped"])
def deferred(request, waiting):
    """An instance with two deferred messages, running or stopped."""
    send(waiting, "ann@a.test", "x@Wait.test", "y@sub.wait.test")
    send(waiting, "", "z@wait.test")
    wait_until(lambda: len(list((waiting.queue / "deferred").glob("*/*"))) == 2, "two deferred messages")
    if request.param == "stopped":
        waiting.stop()
    return waiting


def test_recipients_by_domain_and_age(deferred):
    assert rows(deferred, "deferred") == {
        "": "T 5 10 20 40 80 160 320 640 1280 1280+".split(),
        "TOTAL": [3, 3] + [0] * 9, "wait.test": [2, 2] + [0] * 9, "sub.wait.test": [1, 1] + [0] * 9}
    assert rows(deferred, "-p", "-m1", "-b2", "deferred")[".wait.test"] == [1, 1, 0]
    assert rows(deferred)["TOTAL"] == [0] * 11


def test_senders_by_domain(deferred):
    assert rows(deferred, "-s", "-b2", "-t", "7", deferred.queue / "deferred") == {
        "": ["T", "7", "7+"], "TOTAL": [2, 2, 0], "a.test": [1, 1, 0], "MAILER-DAEMON": [1, 1, 0]}


def test_mail_that_lies_in_the_journal_counts_as_incoming_or_active(make_instance, unused_server):
    instance = make_instance(transport_maps=f"inline:{{far.test=smtp:[127.0.0.1]:{unused_server}}}").start()
    send(instance, "ann@a.test", "x@far.test")
    wait_until(lambda: rows(instance)["TOTAL"][0] == 1, "active mail")
    assert rows(instance, "-b1", "active")["far.test"] == [1, 1]
    assert rows(instance, "-b1", "deferred", "hold")["TOTAL"] == [0, 0]
    instance.kill_all()
    assert rows(instance, "-b1", "incoming", "active")["far.test"] == [1, 1]


@pytest.fixture
def unused_server():
    """The port of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_submissions_and_held_mail(waiting):
    queue_id = send(waiting, "ann@a.test", "x@wait.test")
    wait_until(lambda: list((waiting.queue / "deferred").rglob(queue_id)), "a deferred message")
    waiting.run("postsuper", "-h", queue_id)
    waiting.stop()
    waiting.sendmail("-f", "ann@a.test", "y@wait.test", stdin="Subject: hi\n\nhello\n")
    assert rows(waiting, "-b1", "hold")["wait.test"] == [1, 1]
    assert rows(waiting, "-b1", "maildrop", "hold", "deferred")["wait.test"] == [2, 2]


def test_what_it_cannot_do(waiting):
    for queue in ("nosuch", "/nonexist"):
        missing = f"qshape: warning: cannot read {queue}: No such file or directory\n"
        result = waiting.run("qshape", "-b1", queue, check=False)
        assert (result.returncode, result.stdout, result.stderr.decode()) == (1, b"", missing)
        result = waiting.run("qshape", "-b1", queue, "hold", check=False)
        assert (result.returncode, result.stderr.decode()) == (1, missing)
        assert result.stdout.decode().splitlines()[1].split() == ["TOTAL", "0", "0"]
    for arguments in [["-h"], ["-Z"], ["-b", "abc"], ["-b", ""], ["-b", "3x"], ["-t", "5m"], ["-w", "wide"]]:
        result = waiting.run("qshape", *arguments, check=False)
        assert result.returncode == 255 and b"usage: qshape " in result.stderr


@pytest.mark.needs_root
def test_who_may_not_read_the_queue_gets_no_table(waiting):
    for queue in ("deferred", waiting.queue / "hold"):
        result = waiting.run("qshape", queue, check=False, user="nobody")
        assert (result.returncode, result.stdout) == (1, b"")
        assert result.stderr.decode() == f"qshape: warning: cannot read {queue}: Permission denied\n".replace(
            f"{waiting.queue}/", "")


# --- the same directory, read by Postfix's qshape

def record(kind, data):
    assert len(data) < 128
    return kind + bytes([len(data)]) + data


def make_postfix_file(path, minutes, sender, recipients):
    """A queue file of Postfix that arrived so many minutes ago; made from one that Postfix wrote."""
    bytes_, out, at = (ROOT / "test/golden/postfix/partly-done").read_bytes(), b"", 0
    while at < len(bytes_):
        kind, length = bytes_[at:at + 1], bytes_[at + 1]
        data, at = bytes_[at + 2:at + 2 + length], at + 2 + length
        if kind == b"T":
            data = b"%d 000001" % (time.time() - minutes * 60)
        elif kind == b"S":
            data = sender
        elif kind in b"ORD" or (kind == b"A" and data.startswith(b"dsn_orig_rcpt=")):
            continue
        elif kind == b"M":
            out += b"".join(record(b"O", each) + record(b"R", each) for each in recipients)
            out = out[:2] + b"%15d %15d %15d" % (284, len(out) + 2, len(recipients)) + out[2 + 47:]
        out += record(kind, data)
    path.write_bytes(out)
    path.chmod(0o700)


@pytest.mark.skipif(not POSTFIX_QSHAPE.exists() or not shutil.which("perl"), reason="needs Postfix's qshape, and perl")
def test_a_queue_of_postfix_looks_the_same_to_both(make_instance):
    instance = make_instance()
    directory = instance.directory / "deferred"
    directory.mkdir()
    mail = [(2, b"a@b.example", [b"x@b.example", b"x@a.x.b.example", b"x@c.x.b.example"]),
            (6, b"A@B.Example", [b"x@other.test", b"x@d.other.test", b"x@eee.other.test"]), (12, b"", [b"nodomain"]),
            (100, b"a@b.example", [b"x@trailing.test.", b"x@[10.0.0.1]"]),
            (3000, b"x@c.example", [b"x@a-very-long-name.that-is-cut.at-its-beginning.because-it-is-longer.example"])]
    mail += [(50, b"x@d.example", [b"x@many.test"])] * 110
    for number, (minutes, sender, recipients) in enumerate(mail):
        make_postfix_file(directory / f"{number:06X}ABCDE", minutes, sender, recipients)

    def lines(*command):
        """The heading, the total, and the rest without its order, which is random where counts are the same."""
        text = subprocess.run(command, capture_output=True, check=True, env=instance.environment()).stdout.decode()
        heading, total, *others = text.splitlines()
        return [heading, total, *sorted(others)]

    for options in [[], ["-s"], ["-p"], ["-p", "-m", "2"], ["-l"], ["-b", "3"], ["-b", "3", "-t", "1"], ["-w", "100"],
                    ["-b", "20", "-t", "2"], ["-w", "40"], ["-t", "1.5"], ["-b", "1"], ["-b", "-3"], ["-n", "2"]]:
        theirs = lines("perl", POSTFIX_QSHAPE, *options, directory)
        assert lines(instance.command_path("qshape"), *options, directory) == theirs, options
