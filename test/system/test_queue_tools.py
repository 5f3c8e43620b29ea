"""mailq(1), postqueue(1), postsuper(1) and postcat(1): what an administrator does with the queue, while the mail
system runs and while it does not."""
import fcntl
import json
import os
import re
import shutil
import socket

import pytest

from support.waiting import wait_until

BODY = b"From: ann@a.test\r\nSubject: hi\r\n\r\nhello\r\n.dot\r\n"


def said(result):
    """Standard error of a command, without its last line break."""
    return result.stderr.decode().rstrip("\n")


def send(instance, recipient="x@wait.test"):
    with instance.smtp() as client:
        return client.deliver("ann@a.test", recipient, BODY)


def queue(instance):
    """What postqueue -j says, by queue id."""
    lines = instance.run("postqueue", "-j").stdout.decode().splitlines()
    return {message["queue_id"]: message for message in map(json.loads, lines)}


def queue_name(instance, queue_id):
    return queue(instance).get(queue_id, {}).get("queue_name")


@pytest.fixture
def waiting(make_instance):
    """An instance that defers everything for wait.test and drops everything for gone.test."""
    return make_instance(transport_maps="inline:{wait.test=retry:, gone.test=discard:}",
                         smtpd_reject_unlisted_recipient=False).start()


def deferred(instance, recipient="x@wait.test"):
    queue_id = send(instance, recipient)
    wait_until(lambda: queue_name(instance, queue_id) == "deferred", f"{queue_id} in the deferred queue")
    return queue_id


@pytest.fixture
def silent_server():
    """The port of a server that accepts connections and never says a word; close() lets deliveries end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def in_flight(make_instance, silent_server):
    """An instance and the id of a message that is being delivered, until silent_server is closed."""
    port = silent_server.getsockname()[1]
    instance = make_instance(transport_maps=f"inline:{{far.test=smtp:[127.0.0.1]:{port}}}").start()
    queue_id = send(instance, "x@far.test")
    instance.wait_for_log(rf"{queue_id}: from=.*\(queue active\)")
    connection, _ = silent_server.accept()
    with connection:
        yield instance, queue_id, connection


# --- postqueue

def test_mailq_lists_what_waits_and_why(waiting):
    queue_id = deferred(waiting)
    text = waiting.run("mailq").stdout.decode()
    assert text == waiting.run("postqueue", "-p").stdout.decode()
    assert re.fullmatch(r"-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
                        rf"{queue_id} +\d+ \w\w\w \w\w\w +\d+ \d\d:\d\d:\d\d  ann@a\.test\n"
                        r" +\(.*\)\n"
                        r" {41}x@wait\.test\n\n"
                        r"-- 0 Kbytes in 1 Request\.\n", text)


def test_postqueue_j_tells_what_a_program_wants_to_know(waiting):
    queue_id = deferred(waiting)
    message = queue(waiting)[queue_id]
    assert (message["queue_name"], message["sender"], message["forced_expire"]) == ("deferred", "ann@a.test", False)
    assert [each["address"] for each in message["recipients"]] == ["x@wait.test"]
    assert message["recipients"][0]["delay_reason"]


def test_flush_and_flush_of_one_id_try_again_at_once(waiting):
    first, second = deferred(waiting), deferred(waiting)
    waiting.configure(transport_maps="inline:{wait.test=discard:}")
    waiting.reload()
    waiting.run("postqueue", "-i", first)
    waiting.wait_for_log(rf"{first}: removed")
    assert queue_name(waiting, second) == "deferred"
    waiting.run("postqueue", "-f")
    waiting.wait_for_log(rf"{second}: removed")


def test_the_queue_is_listed_while_the_mail_system_is_down(waiting):
    queue_id = deferred(waiting)
    waiting.stop()
    result = waiting.run("postqueue", "-p")
    assert queue_id in result.stdout.decode()
    assert "postqueue: warning: Mail system is down -- accessing queue directly" in said(result)


def test_postqueue_says_what_it_cannot_do(waiting):
    usage = ("usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site | "
             "postqueue --ids | postqueue --summary [-j]; when listing: [--to address] [--from address] "
             "[--reason text] [--older-than time]")
    for arguments, answer in [([], usage), (["-f", "-p"], usage), (["-p", "x"], usage),
                              (["-i", "!"], 'Cannot flush queue ID - invalid name: "!"')]:
        result = waiting.run("postqueue", *arguments, check=False)
        assert result.returncode == os.EX_UNAVAILABLE
        assert said(result).endswith(f"postqueue: fatal: {answer}")
    waiting.stop()
    result = waiting.run("postqueue", "-f", check=False)
    assert (result.returncode, said(result)) == (
        os.EX_UNAVAILABLE, "postqueue: fatal: Cannot flush mail queue - mail system is down")


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
def test_who_is_not_authorized_is_told_so(make_instance):
    instance = make_instance(authorized_mailq_users="root", authorized_flush_users="root").start()
    for arguments, what in [(["-p"], "view the mail queue"), (["-j"], "view the mail queue"),
                            (["-f"], "flush the mail queue"), (["-i", "ABCDEF1234"], "flush the mail queue")]:
        result = instance.run("postqueue", *arguments, check=False, user="nobody")
        assert result.returncode == os.EX_NOPERM
        assert said(result).startswith("postqueue: fatal: User nobody(") and said(result).endswith(what)
        assert instance.run("postqueue", *arguments).returncode == 0
    result = instance.run("postsuper", "-d", "ALL", check=False, user="nobody")
    assert (result.returncode, said(result)) == (1, "postsuper: fatal: use of this command is reserved for the superuser")


# --- postsuper

@pytest.fixture(params=["running", "stopped"])
def changing(request, waiting):
    """Deferred mail in an instance, and a function to be called before postsuper is: in both states all must be
    the same."""
    def stop():
        if request.param == "stopped":
            waiting.stop()
    return waiting, stop


def test_held_mail_stays_until_it_is_released(changing):
    instance, stop = changing
    queue_id = deferred(instance)
    stop()
    assert said(instance.run("postsuper", "-h", queue_id)) == (
        f"postsuper: {queue_id}: placed on hold\npostsuper: Placed on hold: 1 message")
    assert queue_name(instance, queue_id) == "hold"
    assert f"{queue_id}!" in instance.run("postqueue", "-p").stdout.decode()
    assert said(instance.run("postsuper", "-h", queue_id)) == "postsuper: Placed on hold: 0 messages"
    instance.configure(transport_maps="inline:{wait.test=discard:}")
    if instance.processes():
        instance.reload()
        instance.run("postqueue", "-f")
    assert queue_name(instance, queue_id) == "hold"
    assert said(instance.run("postsuper", "-H", queue_id)) == (
        f"postsuper: {queue_id}: released from hold\npostsuper: Released from hold: 1 message")
    if not instance.processes():
        instance.start()
    instance.wait_for_log(rf"{queue_id}: removed")
    assert re.search(rf"postsuper\[\d+\]: {queue_id}: placed on hold$", instance.log(), re.M)


def test_requeued_mail_is_routed_again(changing):
    instance, stop = changing
    queue_id = deferred(instance)
    stop()
    instance.configure(transport_maps="inline:{wait.test=discard:}")
    if instance.processes():
        instance.reload()
    assert said(instance.run("postsuper", "-r", queue_id)) == (
        f"postsuper: {queue_id}: requeued\npostsuper: Requeued: 1 message")
    if not instance.processes():
        instance.start()
    instance.wait_for_log(rf"{queue_id}: removed")


def test_deleted_mail_is_gone_with_its_logs(changing):
    instance, stop = changing
    queue_id, other = deferred(instance), deferred(instance)
    stop()
    assert said(instance.run("postsuper", "-d", queue_id)) == (
        f"postsuper: {queue_id}: removed\npostsuper: Deleted: 1 message")
    assert list(queue(instance)) == [other]
    wait_until(lambda: not list((instance.queue / "defer").rglob(queue_id)), "the end of the log in defer/")


def test_all_mail_of_the_named_queues(changing):
    instance, stop = changing
    held, kept = deferred(instance), deferred(instance)
    stop()
    instance.run("postsuper", "-h", held)
    assert said(instance.run("postsuper", "-d", held, "deferred")) == "postsuper: Deleted: 0 messages"
    assert said(instance.run("postsuper", "-d", "ALL", "hold")) == "postsuper: Deleted: 1 message"
    assert list(queue(instance)) == [kept]
    assert said(instance.run("postsuper", "-d", "ALL")) == "postsuper: Deleted: 1 message"
    assert instance.queue_is_empty()


def test_ids_from_standard_input(changing):
    instance, stop = changing
    first, second, kept = deferred(instance), deferred(instance), deferred(instance)
    stop()
    lines = said(instance.run("postsuper", "-d", "-", stdin=f"\n{first}\nfoo/bar\n \nABCDEF0123\n{second}\n\n")).splitlines()
    assert lines == ["postsuper: warning: invalid mail queue id: foo/bar", f"postsuper: {first}: removed",
                     f"postsuper: {second}: removed", "postsuper: Deleted: 2 messages"]
    assert list(queue(instance)) == [kept]


def test_ids_that_nobody_knows_are_counted_as_nothing(changing):
    instance, stop = changing
    stop()
    for option, summary in [("-d", "Deleted"), ("-h", "Placed on hold"), ("-H", "Released from hold"),
                            ("-r", "Requeued")]:
        assert said(instance.run("postsuper", option, "ABCDEF0123")) == f"postsuper: {summary}: 0 messages"
    assert said(instance.run("postsuper", "-d", "../../x")) == (
        "postsuper: warning: invalid mail queue id: ../../x\npostsuper: Deleted: 0 messages")
    result = instance.run("postsuper", "-d", "ALL", "nosuch", check=False)
    assert (result.returncode, said(result)) == (1, "postsuper: fatal: invalid directory name: nosuch")


def test_mail_in_maildrop_is_deleted_too(waiting):
    waiting.stop()
    waiting.sendmail("-f", "ann@a.test", "x@wait.test", stdin="Subject: hi\n\nhello\n")
    queue_id, = [path.name for path in (waiting.queue / "maildrop").iterdir()]
    assert queue_name(waiting, queue_id) == "maildrop"
    text = waiting.run("postcat", "-q", queue_id).stdout.decode()
    assert text.startswith(f"*** ENVELOPE RECORDS maildrop/{queue_id} ***\n") and "\nrecipient: x@wait.test\n" in text
    assert said(waiting.run("postsuper", "-d", queue_id)) == (
        f"postsuper: {queue_id}: removed\npostsuper: Deleted: 1 message")
    assert waiting.queue_is_empty()


def test_mail_that_is_being_delivered_is_removed_when_that_is_over(in_flight):
    instance, queue_id, connection = in_flight
    assert queue_name(instance, queue_id) == "active"
    assert said(instance.run("postsuper", "-d", queue_id)) == (
        f"postsuper: {queue_id}: being delivered, to be removed then\npostsuper: Deleted: 1 message")
    connection.close()
    instance.wait_until_queue_empty()


def test_h_and_H_of_all_mail_know_what_is_being_delivered(in_flight):
    instance, queue_id, connection = in_flight
    assert said(instance.run("postsuper", "-H", "ALL")) == "postsuper: Released from hold: 0 messages"
    assert said(instance.run("postsuper", "-h", "ALL")) == "postsuper: Placed on hold: 1 message"
    assert said(instance.run("postsuper", "-h", "ALL")) == "postsuper: Placed on hold: 0 messages"
    assert said(instance.run("postsuper", "-H", "ALL")) == "postsuper: Released from hold: 1 message"
    assert said(instance.run("postsuper", "-h", "ALL")) == "postsuper: Placed on hold: 1 message"
    connection.close()
    wait_until(lambda: queue_name(instance, queue_id) == "hold", "the message on hold")
    assert said(instance.run("postsuper", "-H", "ALL")) == "postsuper: Released from hold: 1 message"


def test_mail_in_the_journal_is_found_printed_and_deleted_after_a_crash(in_flight):
    instance, queue_id, _ = in_flight
    instance.kill_all()
    assert queue_name(instance, queue_id) == "incoming"
    text = instance.run("postcat", "-q", queue_id).stdout.decode()
    segment = re.match(rf"\*\*\* ENVELOPE RECORDS (journal/\d+)/{queue_id} \*\*\*\n", text)[1]
    check_offsets(offsets_of(instance, "-q", queue_id), (instance.queue / segment).read_bytes())
    assert text.count("\nrecipient: x@far.test\n") == 1 and "\n\nhello\n.dot\n" in text
    assert said(instance.run("postsuper", "-d", queue_id)) == (
        f"postsuper: {queue_id}: removed\npostsuper: Deleted: 1 message")
    assert instance.run("postcat", "-q", queue_id, check=False).returncode == 1
    instance.start()
    assert instance.queue_is_empty()


def test_mail_in_the_journal_is_held_after_a_crash_and_delivered_when_released(in_flight):
    instance, queue_id, _ = in_flight
    instance.kill_all()
    instance.run("postsuper", "-h", queue_id)
    assert queue_name(instance, queue_id) == "hold"
    instance.configure(transport_maps="inline:{far.test=discard:}")
    instance.start()
    assert queue_name(instance, queue_id) == "hold"
    instance.run("postsuper", "-H", queue_id)
    instance.wait_for_log(rf"{queue_id}: removed")


def test_postcat_finds_what_lies_behind_damage_in_the_journal(in_flight):
    instance, first, _ = in_flight
    second = send(instance, "y@far.test")
    instance.kill_all()
    for segment in (instance.queue / "journal").glob("0*"):
        content = segment.read_bytes()
        # The envelope of the first message has its queue id; the frame of the second stands behind it.
        if (at := content.find(first.encode())) >= 0:
            with segment.open("r+b") as file:
                file.seek(content.rfind(b"PHFR", 0, at))
                file.write(bytes(8))
    assert instance.run("postcat", "-q", first, check=False).returncode == 1
    assert b"\nrecipient: y@far.test\n" in instance.run("postcat", "-q", second).stdout


def test_expiry_of_what_is_being_delivered_outlives_a_crash(in_flight):
    instance, queue_id, _ = in_flight
    assert said(instance.run("postsuper", "-e", queue_id)).endswith("Force-expired: 1 message")
    instance.kill_all()
    instance.configure(transport_maps="inline:{far.test=retry:}", smtpd_reject_unlisted_recipient=False)
    instance.start()
    instance.wait_for_log(rf"{queue_id}: from=<.*>, status=force-expired, returned to sender")


def test_a_message_on_its_way_to_deferred_is_listed_once(make_instance, silent_server):
    """The queue manager tells of it as active, and then its file is found."""
    instance = make_instance(transport_maps=f"inline:{{far.test=smtp:[127.0.0.1]:{silent_server.getsockname()[1]}}}",
                             queue_journal_message_limit="2000").start()
    with instance.smtp() as client:
        large = client.deliver("ann@a.test", "z@far.test", b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n" * 4000)
    wait_until(lambda: queue_name(instance, large) == "active", "the delivery")
    found, = (instance.queue / "active").rglob(large)
    (instance.queue / "deferred" / large).hardlink_to(found)
    assert instance.run("postqueue", "--ids").stdout.decode() == f"{large}\n"
    (instance.queue / "deferred" / large).unlink()


def test_all_mail_is_listed_and_can_be_changed_while_the_active_queue_is_full(make_instance, silent_server):
    port = silent_server.getsockname()[1]
    instance = make_instance(transport_maps=f"inline:{{far.test=smtp:[127.0.0.1]:{port}}}", qmgr_message_active_limit="1",
                             queue_journal_message_limit="2000").start()
    active = send(instance, "x@far.test")
    wait_until(lambda: queue_name(instance, active) == "active", "the first message")
    waits = [send(instance, f"y{number}@far.test") for number in range(3)]
    with instance.smtp() as client:
        large = client.deliver("ann@a.test", "z@far.test", b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n" * 4000)
    assert queue(instance).keys() == {active, large, *waits}
    assert {queue_name(instance, queue_id) for queue_id in (large, *waits)} == {"incoming"}
    assert said(instance.run("postsuper", "-d", large)).startswith(f"postsuper: {large}: removed")
    assert said(instance.run("postsuper", "-d", waits[1])).startswith(f"postsuper: {waits[1]}: removed")
    assert queue(instance).keys() == {active, waits[0], waits[2]}
    assert said(instance.run("postsuper", "-d", "ALL", "incoming")) == "postsuper: Deleted: 2 messages"
    assert queue(instance).keys() == {active}


def test_expired_mail_goes_back_after_the_next_attempt(waiting):
    queue_id = deferred(waiting)
    assert said(waiting.run("postsuper", "-e", queue_id)) == (
        f"postsuper: {queue_id}: expired\npostsuper: Force-expired: 1 message")
    waiting.run("postqueue", "-i", queue_id)
    waiting.wait_for_log(rf"{queue_id}: from=<ann@a\.test>, status=force-expired, returned to sender")


def test_files_in_the_wrong_directory_are_brought_home(waiting):
    queue_id = deferred(waiting)
    waiting.stop()
    here, = (waiting.queue / "deferred").rglob(queue_id)
    shutil.move(here, waiting.queue / "deferred" / queue_id)
    waiting.run("postsuper", "-s")
    assert here.exists()
    waiting.configure(hash_queue_depth="2")
    waiting.run("postsuper", "-s")
    assert not here.exists() and len(list((waiting.queue / "deferred").glob(f"*/*/{queue_id}"))) == 1
    assert queue_name(waiting, queue_id) == "deferred"


def test_nobody_changes_the_queue_while_another_tool_has_it(waiting):
    queue_id = deferred(waiting)
    waiting.expect_problem("another process schedules this queue")
    waiting.stop()
    with open(waiting.queue / "journal" / "scheduler", "r+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        result = waiting.run("postsuper", "-d", queue_id, check=False)
    assert result.returncode == 1 and "another process schedules this queue" in said(result)
    assert list((waiting.queue / "deferred").rglob(queue_id))


# --- postcat

def test_postcat_prints_a_deferred_and_a_held_message(waiting):
    queue_id = deferred(waiting)
    text = waiting.run("postcat", "-q", queue_id).stdout.decode()
    pattern = (r"\*\*\* ENVELOPE RECORDS (deferred/\w/ID) \*\*\*\n"
               r"message_size:( +\d+){6}\n"
               r"message_arrival_time: (\w\w\w \w\w\w [ \d]\d \d\d:\d\d:\d\d \d{4})\ncreate_time: \2\n"
               r"(named_attribute: \w+=.*\n)+"
               r"sender: ann@a\.test\n"
               r"(named_attribute: \w+=.*\n)+"
               r"original_recipient: x@wait\.test\nrecipient: x@wait\.test\n"
               r"\*\*\* MESSAGE CONTENTS \1 \*\*\*\n"
               r"Received: (.*\n)+"
               r"Subject: hi\n(.*\n)+\nhello\n\.dot\n"
               r"\*\*\* HEADER EXTRACTED \1 \*\*\*\n"
               r"\*\*\* MESSAGE FILE END \1 \*\*\*\n").replace("( +", "(?: +").replace("ID", queue_id)
    assert re.fullmatch(pattern, text), text
    waiting.run("postsuper", "-h", queue_id)
    assert waiting.run("postcat", "-q", queue_id).stdout.decode().startswith(
        f"*** ENVELOPE RECORDS hold/{queue_id} ***\n")


def test_postcat_prints_the_parts_that_are_asked_for(waiting):
    queue_id = deferred(waiting)

    def postcat(*arguments):
        return waiting.run("postcat", *arguments).stdout.decode()

    body, header, both = postcat("-bq", queue_id), postcat("-hq", queue_id), postcat("-bhq", queue_id)
    assert body == "\nhello\n.dot\n"
    assert "\nSubject: hi\n" in header and both == header + body
    assert "hello" not in postcat("-eq", queue_id)
    assert re.search(r"^ +\d+  82 recipient: x@wait\.test$", postcat("-doq", queue_id), re.M)
    path, = (waiting.queue / "deferred").rglob(queue_id)
    assert postcat("-bh", path) == both
    copy = waiting.directory / "copy"
    shutil.copy(path, copy)
    copy.chmod(0o400)
    assert postcat("-bh", copy) == both
    assert waiting.run("postcat", "-b", "-", stdin=path.read_bytes()).stdout.decode() == body


def test_postcat_skips_to_an_offset(waiting):
    queue_id = deferred(waiting)
    lines = waiting.run("postcat", "-oq", queue_id).stdout.decode().splitlines()
    offset, line = re.fullmatch(r" *(\d+) (Subject: hi)", next(each for each in lines if "Subject" in each)).groups()
    text = waiting.run("postcat", "-q", "-s", offset, queue_id).stdout.decode()
    assert text.startswith(f"{line}\n") and "\nhello\n.dot\n" in text and "MESSAGE FILE END" in text
    assert waiting.run("postcat", "-bq", "-r", "-s", offset, queue_id).stdout.decode() == "\nhello\n.dot\n"
    result = waiting.run("postcat", "-q", "-s", "x", queue_id, check=False)
    assert (result.returncode, said(result)) == (1, "postcat: fatal: bad offset: x")


def offsets_of(instance, *arguments):
    """[(offset, text)] of what postcat -o prints."""
    lines = instance.run("postcat", "-o", *arguments).stdout.decode().splitlines()
    return [(int(line[:9]), line[10:]) for line in lines if not line.startswith("***")]


def check_offsets(offsets, content):
    """Lines of the message are where they are said to be, each recipient has a place of its own, nothing is at 0."""
    assert min(offset for offset, _ in offsets) > 0
    for text in ("Subject: hi", "hello", ".dot"):
        offset = next(offset for offset, line in offsets if line == text)
        assert content[offset:].startswith(f"{text}\r\n".encode())
    envelope = next(offset for offset, line in offsets if line.startswith("sender: "))
    assert b"ann@a.test" in content[envelope:envelope + 500]
    recipients = [offset for offset, line in offsets if line.startswith(("recipient: ", "done_recipient: "))]
    assert len(set(recipients)) == len(recipients)


def test_postcat_o_prints_where_each_line_is_in_the_file(waiting):
    queue_id = deferred(waiting)
    path, = (waiting.queue / "deferred").rglob(queue_id)
    check_offsets(offsets_of(waiting, "-q", queue_id), path.read_bytes())


def test_postcat_o_of_a_submission_prints_where_each_line_is_in_the_file(make_instance):
    instance = make_instance()
    (instance.queue / "maildrop").mkdir()
    instance.sendmail("-t", "-f", "ann@a.test", stdin=b"To: x@wait.test, y@wait.test\nSubject: hi\n\nhello\n.dot\n")
    path, = (instance.queue / "maildrop").iterdir()
    content = path.read_bytes()
    offsets = [(int(line[:9]), line[10:]) for line in
               instance.run("postcat", "-o", path).stdout.decode().splitlines() if not line.startswith("***")]
    for text in ("Subject: hi", "hello", ".dot"):
        offset = next(offset for offset, line in offsets if line == text)
        assert content[offset:].startswith(f"{text}\r\n".encode())
    envelope = next(offset for offset, line in offsets if line.startswith("sender: "))
    assert b"ann@a.test" in content[envelope:envelope + 100]


def test_postcat_says_what_it_cannot_find(waiting):
    for arguments, answer in [(["-q", "ABCDEF0123"], "open queue file ABCDEF0123: No such file or directory"),
                              (["-q", "../x"], "bad mail queue ID: ../x"),
                              (["/nonexistent"], "open /nonexistent: No such file or directory")]:
        result = waiting.run("postcat", *arguments, check=False)
        assert (result.returncode, said(result)) == (1, f"postcat: fatal: {answer}")
    result = waiting.run("postcat", "/etc/passwd")
    assert said(result) == "postcat: warning: /etc/passwd: input is not a valid queue file"


@pytest.mark.needs_root
def test_who_may_not_read_the_queue_is_told_no_directory(waiting):
    for queue_id in (deferred(waiting), "ABCDEF0123"):
        result = waiting.run("postcat", "-q", queue_id, check=False, user="nobody")
        assert (result.returncode, said(result)) == (
            1, f"postcat: fatal: open queue file {queue_id}: Permission denied")
