"""sendmail(1), postdrop(1), pickup(8): messages of local users, and what becomes of files that nobody should trust."""
import os
import pwd
import re
import stat
import subprocess
import time

import pytest

from support import configuration
from support.waiting import wait_until


@pytest.fixture
def relay(make_instance, sink):
    """An instance that sends everything but local mail to `sink`."""
    return make_instance(relayhost=f"[127.0.0.1]:{sink.port}").start()


def maildrop(instance):
    return sorted((instance.queue / "maildrop").iterdir())


def test_message_gets_the_headers_that_its_author_left_out(relay, sink):
    relay.sendmail("-f", "ann", "-F", 'Ann "A" O,h', "bob@far.test", stdin="Subject: hi\nTo: bob@far.test\n\ntext\n")
    message = sink.wait_for(1)[0]
    assert message.sender == "ann@mail.local.test"
    lines = message.content.split(b"\r\n")
    assert lines[0] == f"Received: by mail.local.test (Postfix, from userid {os.getuid()})".encode()
    queue_id = re.match(rb"\tid (\w+); \w\w\w, ", lines[1]).group(1)
    assert lines[2:4] == [b"Subject: hi", b"To: bob@far.test"]
    assert re.match(rb"Message-Id: <\d{14}\." + queue_id + rb"@mail\.local\.test>$", lines[4])
    assert re.match(rb"Date: \w\w\w, [ \d]\d \w\w\w \d{4} \d\d:\d\d:\d\d [+-]\d{4} \(.*\)$", lines[5])
    assert lines[6:] == [b'From: "Ann \\"A\\" O,h" <ann@mail.local.test>', b"", b"text", b""]
    relay.wait_for_log(rf"pickup\[\d+\]: {queue_id.decode()}: uid={os.getuid()} from=<ann>$")
    relay.wait_for_log(rf"cleanup\[\d+\]: {queue_id.decode()}: message-id=<\d+\.{queue_id.decode()}@mail\.local\.test>$")


def test_recipients_from_the_header_and_no_bcc_in_the_message(relay, sink):
    relay.sendmail("-t", "-oi", stdin='From ann Mon\nFrom: ann@a.test\nTo: bob@far.test,\n "C, D" <cee@far.test>\n'
                                      "Bcc: dee@far.test\nSubject: hi\n\n.\ntext\n")
    message = sink.wait_for(1)[0]
    assert sorted(message.recipients) == ["bob@far.test", "cee@far.test", "dee@far.test"]
    assert b"dee" not in message.content
    assert b"From ann" not in message.content
    assert message.content.endswith(b"\r\n\r\n.\r\ntext\r\n")


def test_words_without_a_comma_between_them_are_recipients_of_their_own(relay, sink):
    relay.sendmail("-t", "-i", stdin=b"To: bob@far.test carol@far.test (C), Dave D <dave@far.test>\n\nhi\n")
    assert sorted(sink.wait_for(1)[0].recipients) == ["bob@far.test", "carol@far.test", "dave@far.test"]


@pytest.mark.parametrize("arguments, stdin", [
    (["-t"], "To: ok@far.test, \"open@far.test\nCc: bad@@far.test, x@[bad, also@far.test\n\nhi\n"),
    (['ok@far.test, "open@far.test', "bad@@far.test, x@[bad, also@far.test"], "Subject: hi\n\nhi\n"),
], ids=["header", "command line"])
def test_what_is_no_address_is_returned_and_not_dropped(relay, sink, arguments, stdin):
    sink.replies["RCPT"] = lambda text: "553 5.1.3 bad" if "bad" in text or "open" in text else None
    relay.sendmail("-f", "ann@far.test", *arguments, stdin=stdin)
    report = next(message for message in sink.wait_for(2) if message.recipients == ("ann@far.test",))
    reasons = report.content.split(b"Content-Type: message/delivery-status")[0]
    for unusable in (b'<"\\"open"@far.test>: ', b'<"bad@"@far.test>: ', b"<x@[bad>: bad address syntax"):
        assert unusable in reasons
    assert ("ok@far.test", "also@far.test") in [message.recipients for message in sink.messages]


def test_only_resent_recipients_count_when_there_are_some(relay, sink):
    relay.sendmail("-t", stdin="To: bob@far.test\nResent-To: cee@far.test\nResent-From: ann@a.test\n\ntext\n")
    message = sink.wait_for(1)[0]
    assert message.recipients == ("cee@far.test",)
    assert b"\r\nResent-Message-Id: <" in message.content


def test_a_single_dot_ends_the_message_without_i(relay, sink):
    relay.sendmail("bob@far.test", stdin="Subject: hi\n\ntext\n.\nnot this\n")
    assert sink.wait_for(1)[0].content.endswith(b"\r\ntext\r\n")


def test_line_ends_become_crlf_and_stray_ones_spaces(relay, sink):
    relay.sendmail("-i", "bob@far.test", stdin=b"Subject: hi\r\n\r\ncrlf\r\nlf\nstray\rcr\nno end")
    assert sink.wait_for(1)[0].content.endswith(b"\r\n\r\ncrlf\r\nlf\r\nstray cr\r\nno end\r\n")


def test_dsn_options_reach_the_queue(relay, sink):
    sink.replies["RCPT"] = "550 5.1.1 no such user"
    relay.sendmail("-f", "ann@far.test", "-N", "never", "-V", "id", "bob@far.test", stdin="Subject: hi\n\ntext\n")
    queue_id = relay.wait_for_log(r": (\w+): to=<bob@far\.test>.*status=bounced").group(1)
    relay.wait_for_log(rf"{queue_id}: removed")
    assert "notification" not in relay.log()


@pytest.mark.parametrize("arguments, stdin, reason", [
    ([], "", r"\w+\(\d+\): Recipient addresses must be specified on the command line or via the -t option"),
    (["-t"], "Subject: hi\n\n", r"\w+\(\d+\): No recipient addresses found in message header"),
    (["-bx", "bob"], "", "unsupported: -bx"),
    (["-Z"], "", r"usage: sendmail \[options\]"),
    (["-t", "-bv"], "", "-t option cannot be used with -bv"),
    (["-B", "9BIT", "bob"], "", "-B option needs 8BITMIME or 7BIT"),
])
def test_wrong_use_fails_as_with_postfix(make_instance, arguments, stdin, reason):
    instance = make_instance()
    instance.expect_problem("postfix/sendmail.*fatal:")
    (instance.queue / "maildrop").mkdir(exist_ok=True)
    result = instance.sendmail(*arguments, stdin=stdin, check=False)
    assert result.returncode == 75
    assert re.search(rf"^sendmail: fatal: {reason}$", result.stderr.decode(), re.M)
    assert not maildrop(instance)


def test_too_big_a_message_is_refused_and_leaves_nothing(make_instance):
    instance = make_instance(message_size_limit=1000).start()
    instance.expect_problem("postfix/sendmail.*fatal:")
    result = instance.sendmail("bob@local.test", stdin="Subject: hi\n\n" + 50 * (50 * "x" + "\n"), check=False)
    assert result.returncode == 69
    assert b"message file too big" in result.stderr
    assert not maildrop(instance)


def test_only_authorized_users_may_submit(make_instance):
    instance = make_instance(authorized_submit_users="!root, !" + make_instance().user).start()
    instance.expect_problem("postfix/sendmail.*fatal:")
    result = instance.sendmail("bob@local.test", stdin="Subject: hi\n\n", check=False)
    assert result.returncode == 77
    assert re.search(r"User \w+\(\d+\) is not allowed to submit mail", result.stderr.decode())
    assert not maildrop(instance)


def test_message_waits_while_the_mail_system_is_down(relay, sink):
    relay.stop()
    result = relay.sendmail("bob@far.test", stdin="Subject: patient\n\ntext\n")
    assert b"postdrop: warning: " in result.stderr and b"public/pickup" in result.stderr
    waiting = maildrop(relay)
    assert len(waiting) == 1
    assert stat.S_IMODE(waiting[0].stat().st_mode) == 0o744
    relay.start()
    assert b"Subject: patient" in sink.wait_for(1)[0].content
    wait_until(lambda: not maildrop(relay), "an empty maildrop")


@pytest.mark.needs_root
def test_an_ordinary_user_submits_with_the_rights_of_the_postdrop_group(relay, sink):
    """As the set-gid bit does it: another user, and postdrop's group, which may write into maildrop and not list it."""
    account = pwd.getpwnam(configuration.LOCAL_USER)
    rights = {"user": account.pw_uid, "group": configuration.SETGID_GROUP, "extra_groups": []}
    listing = subprocess.run(["ls", relay.queue / "maildrop"], capture_output=True, check=False, **rights)
    assert b"Permission denied" in listing.stderr
    relay.sendmail("bob@far.test", stdin="Subject: hi\n\ntext\n", **rights)
    message = sink.wait_for(1)[0]
    assert message.sender == f"{account.pw_name}@mail.local.test"
    assert f"(Postfix, from userid {account.pw_uid})".encode() in message.content
    wait_until(lambda: not maildrop(relay), "an empty maildrop")


def test_many_messages_at_once_all_arrive_and_none_twice(relay, sink):
    relay.stop()
    for number in range(120):
        relay.sendmail("bob@far.test", stdin=f"Subject: number {number}\n\ntext\n")
    relay.start()
    messages = sink.wait_for(120, timeout=120)
    relay.wait_until_queue_empty()
    subjects = [re.search(rb"Subject: number (\d+)\r\n", message.content).group(1) for message in messages]
    assert sorted(map(int, subjects)) == list(range(120))


def test_files_that_have_to_stay_hold_up_nobody(relay, sink):
    for number in range(70):
        path = relay.queue / "maildrop" / f"00000ABC{number:02}"
        path.write_bytes(b"")
        path.chmod(0o100)                                             # complete, and not to be read
    relay.sendmail("bob@far.test", stdin="Subject: hi\n\ntext\n")
    sink.wait_for(1, timeout=30)                                      # and not with the next minute's wake-up
    assert len(maildrop(relay)) == 70


def test_pickup_killed_at_work_loses_nothing(relay, sink):
    relay.stop()
    for number in range(60):
        relay.sendmail("bob@far.test", stdin=f"Subject: number {number}\n\ntext\n")
    relay.start()
    for number in range(60, 63):
        # It has begun to work: master starts a program that dies before that only once a minute.
        wait_until(lambda: any(f"pickup[{pid}]: " in relay.log() for pid in relay.pids("pickup")), "pickup at work")
        relay.kill("pickup")
        relay.sendmail("bob@far.test", stdin=f"Subject: number {number}\n\ntext\n")      # wakes the next one
    wait_until(lambda: not maildrop(relay), "an empty maildrop", timeout=120)

    def arrived():
        return {int(re.search(rb"Subject: number (\d+)\r\n", message.content)[1]) for message in sink.messages}

    # What a writer had committed and not yet published when it died is noticed, and listed, about a second later.
    wait_until(lambda: arrived() == set(range(63)), lambda: f"all, not only {sorted(arrived())}", timeout=120)
    relay.wait_until_queue_empty()


def test_a_refused_message_is_returned_to_the_user(make_instance, sink):
    instance = make_instance(relayhost=f"[127.0.0.1]:{sink.port}", hopcount_limit=3).start()
    instance.sendmail("-f", "ann@far.test", "bob@far.test", stdin=5 * "Received: x\n" + "Subject: hi\n\nsecret\n")
    message = sink.wait_for(1)[0]
    assert message.recipients == ("ann@far.test",)
    assert b"\r\n<bob@far.test>: too many hops\r\n" in message.content
    assert b"\r\nStatus: 5.4.0\r\n" in message.content
    assert b"Subject: hi" in message.content and b"secret" not in message.content
    wait_until(lambda: not maildrop(instance), "an empty maildrop")


def test_smtp_on_standard_input(relay, sink):
    result = relay.sendmail("-bs", stdin="EHLO me\r\nMAIL FROM:<ann@far.test>\r\nRCPT TO:<bob@far.test>\r\n"
                                         "DATA\r\nSubject: hi\r\n\r\ntext\r\n.\r\nQUIT\r\n")
    assert b"\n250 2.0.0 Ok: queued as " in result.stdout
    assert b"Subject: hi" in sink.wait_for(1)[0].content


def test_other_names_and_modes(make_instance):
    instance = make_instance().start()
    assert instance.sendmail("-bp").stdout == b"Mail queue is empty\n"
    assert instance.sendmail("-q").returncode == 0
    assert instance.sendmail("-q5m").returncode == 0
    assert instance.sendmail("-bi").returncode == 0
    result = instance.sendmail("-m", "-o7", "-om", "-oem", "-h", "5", "-L", "tag", "-x", "-U", "-G", "-i",
                               "-Am", "-O", "x=y", "-B8BITMIME", "-R", "full", "bob@local.test", stdin="\n")
    assert result.stderr == b""


@pytest.mark.parametrize("name, content", [
    ("0123ABCDEF", b"T\x111795229821 148105"),                    # Postfix's own format
    ("0123ABCDE1", b"PHDROP1\n99999999999:x"),
    ("0123ABCDE2", b"PHDROP1\n3:abc"),                            # incomplete
    ("0123ABCDE3", b"\0" * 1000),
], ids=["postfix", "length", "incomplete", "zeros"])
def test_a_file_that_postdrop_did_not_write_is_set_aside(make_instance, name, content):
    instance = make_instance(default_transport="discard:").start()
    path = instance.queue / "maildrop" / name
    path.write_bytes(content)
    path.chmod(0o744)
    instance.sendmail("wake@far.test", stdin="Subject: wake up\n\n")
    instance.wait_for_log(rf"pickup\[\d+\]: warning: maildrop/{name}: .*saved in the corrupt directory")
    assert (instance.queue / "corrupt" / name).read_bytes() == content
    assert not path.exists()


def test_files_that_are_not_complete_are_left_alone(make_instance):
    instance = make_instance(default_transport="discard:").start()
    path = instance.queue / "maildrop" / "0123ABCDEF"
    path.write_bytes(b"PHDROP1\n")
    path.chmod(0o644)
    instance.sendmail("wake@far.test", stdin="Subject: wake up\n\n")
    instance.wait_for_log(r"pickup\[\d+\]: \w+: uid=")
    assert path.exists()


def test_links_in_maildrop_are_not_followed(make_instance):
    instance = make_instance(default_transport="discard:").start()
    (instance.queue / "maildrop" / "0123ABCDEF").symlink_to("/etc/passwd")
    instance.sendmail("wake@far.test", stdin="Subject: wake up\n\n")
    instance.wait_for_log(r"pickup\[\d+\]: warning: .*maildrop/0123ABCDEF")
    wait_until(lambda: not (instance.queue / "maildrop" / "0123ABCDEF").is_symlink(), "the link set aside")


def test_postdrop_accepts_nothing_but_its_format(make_instance):
    instance = make_instance(default_transport="discard:").start()
    for stdin in (b"", b"garbage\n", b"PHDROP1\n5:hello,", b"PHDROP1\n" + b"1" * 100):
        result = instance.run("postdrop", "-r", stdin=stdin, check=False)
        assert result.returncode == 65, stdin
        assert result.stdout.startswith(b"65 ")
    assert not maildrop(instance)


@pytest.fixture(scope="module")
def login(make_shared_instance):
    """What a user may send: the result of sendmail -f SENDER with these settings."""
    instance = make_shared_instance(transport_maps="inline:{gone.test=discard:}", recipient_delimiter="+").start()
    instance.expect_problem("postfix/sendmail.*fatal:")

    def send(sender, allowed, **parameters):
        user = pwd.getpwuid(os.getuid()).pw_name
        instance.configure(**{"empty_address_local_login_sender_maps_lookup_key": "<>"} | parameters,
                           local_login_sender_maps=allowed.format(user=user))
        return instance.sendmail("-f", sender, "bob@gone.test", stdin="Subject: hi\n\ntext\n", check=False)
    return send


@pytest.mark.parametrize("sender, right", [
    ("joe@a.test", True), ("JOE+ext@A.test", True), ("anybody@b.test", True), ("bare", True), ("ann@a.test", False),
    ("bare@a.test", False), ("bare+x%c.test", False), ("bare+x!ceo", False), ("joe@b.test.example", False), ("", False)])
def test_local_login_sender_maps_say_which_sender_a_user_may_have(login, sender, right):
    result = login(sender, "inline:{{{{{user} = joe@a.test, @b.test bare}}}}")
    assert result.returncode == (0 if right else 77)
    assert right or re.search(rf"is not authorized to use sender='{re.escape(sender)}'$", result.stderr.decode(), re.M)


def test_a_user_whom_local_login_sender_maps_do_not_have_sends_nothing(login):
    assert login("joe@a.test", "inline:{{somebody-else=*}}").returncode == 77
    assert login("joe@a.test", "inline:{{{user}=*}}").returncode == 0
    failed = login("joe@a.test", "fail:broken")
    assert (failed.returncode, b"local_login_sender_maps: " in failed.stderr) == (75, True)


def test_empty_address_local_login_sender_maps_lookup_key_stands_for_the_empty_sender(login):
    assert login("", "inline:{{{user}=<>}}").returncode == 0
    other = {"empty_address_local_login_sender_maps_lookup_key": "nobody"}
    assert login("", "inline:{{{user}=<>}}", **other).returncode == 77
    assert login("", "inline:{{{user}=nobody}}", **other).returncode == 0


@pytest.mark.needs_root
@pytest.mark.parametrize("attempts", [1, 2])
def test_fork_attempts_and_fork_delay_wait_for_room_for_a_process(make_instance, attempts):
    """A user who may have one process: sendmail itself, and no postdrop."""
    instance = make_instance(fork_attempts=attempts, fork_delay="2s")
    instance.expect_problem("postfix/sendmail.*fatal:")
    nobody = pwd.getpwnam("nobody").pw_uid
    begin = time.monotonic()
    result = subprocess.run(["setpriv", f"--reuid={nobody}", "--clear-groups", "prlimit", "--nproc=1",
                             instance.command_path("sendmail"), "bob@local.test"], input=b"Subject: hi\n\ntext\n",
                            capture_output=True, env=instance.environment(), check=False)
    assert result.returncode == 71, result.stderr
    assert result.stderr.count(b"warning: fork: Resource temporarily unavailable") == attempts - 1
    assert time.monotonic() - begin >= 2 * (attempts - 1)
