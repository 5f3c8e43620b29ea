"""What postqueue(1) offers beyond Postfix: filters, ids for postsuper, a summary, and when mail is tried again."""
import json
import os

import pytest

from support.waiting import wait_until

BODY = b"Subject: hi\r\n\r\nhello\r\n"


def send(instance, *recipients, sender="ann@a.test"):
    with instance.smtp() as client:
        client.mail(sender)
        for recipient in recipients:
            client.rcpt(recipient)
        return client.data(BODY)[1].split()[-1]


def listed(instance, *arguments):
    return [json.loads(line) for line in instance.run("postqueue", "-j", *arguments).stdout.decode().splitlines()]


def ids(instance, *arguments):
    return set(instance.run("postqueue", "--ids", *arguments).stdout.decode().split())


def deferred(instance, *recipients, **options):
    queue_id = send(instance, *recipients, **options)
    wait_until(lambda: any(each["queue_id"] == queue_id and each["queue_name"] == "deferred"
                           for each in listed(instance)), f"{queue_id} in the deferred queue")
    return queue_id


@pytest.fixture
def waiting(make_instance):
    return make_instance(transport_maps="inline:{{one.test=retry:4.3.5 first cause},"
                                        " {two.test=retry:4.3.5 second cause}}",
                         smtpd_reject_unlisted_recipient=False).start()


@pytest.fixture(params=["running", "stopped"])
def three(request, waiting):
    """An instance with three deferred messages, running or stopped, and their ids."""
    queue_ids = [deferred(waiting, "x@one.test"), deferred(waiting, "y@one.test", "y@two.test", sender="bob@b.test"),
                 deferred(waiting, "z@two.test", sender="")]
    if request.param == "stopped":
        waiting.stop()
    return waiting, queue_ids


def test_json_tells_when_mail_is_tried_again(waiting):
    deferred(waiting, "x@one.test")
    message, = listed(waiting)
    assert list(message) == ["queue_name", "queue_id", "arrival_time", "message_size", "forced_expire", "sender",
                             "recipients", "next_retry_time"]
    minimum = 300
    assert 0 <= message["next_retry_time"] - message["arrival_time"] - minimum < minimum
    waiting.run("postsuper", "-h", message["queue_id"])
    assert "next_retry_time" not in listed(waiting)[0]


def test_filters_choose_messages(three):
    instance, (first, second, third) = three
    assert ids(instance) == {first, second, third}
    assert ids(instance, "--to", "one.test") == {first, second}
    assert ids(instance, "--to", "Y@TWO.test") == {second}
    assert ids(instance, "--to", "x@one.test", "--to", "z@*") == {first, third}
    assert ids(instance, "--from", "<>") == {third}
    assert ids(instance, "--from", "*@b.test", "--to", "two.test") == {second}
    assert ids(instance, "--reason", "second CAUSE") == {second, third}
    assert ids(instance, "--reason", "second", "--to", "one.test") == set()
    assert ids(instance, "--older-than", "1h") == set()
    assert [each["queue_id"] for each in listed(instance, "--from", "<>")] == [third]
    text = instance.run("postqueue", "-p", "--from", "bob@b.test").stdout.decode()
    assert second in text and first not in text and text.endswith("in 1 Request.\n")
    assert instance.run("postqueue", "-p", "--to", "nobody").stdout == b"No message matches, of 3 in the queue\n"


def test_what_filters_print_is_what_postsuper_takes(three):
    instance, (first, second, third) = three
    chosen = instance.run("postqueue", "--ids", "--to", "one.test", "--from", "a.test").stdout
    assert instance.run("postsuper", "-d", "-", stdin=chosen).stderr.decode().endswith("Deleted: 1 message\n")
    assert ids(instance) == {second, third}


def test_summary_groups_by_destination_transport_and_reason(three):
    instance, (first, second, third) = three
    groups = [json.loads(line)
              for line in instance.run("postqueue", "--summary", "-j").stdout.decode().splitlines()]
    assert [(each["destination"], each["transport"], each["reason"], each["recipients"], each["messages"])
            for each in groups] == [("one.test", "retry", "first cause", 2, 2),
                                    ("two.test", "retry", "second cause", 2, 2)]
    assert all(each["queue_name"] == "deferred" and each["next_retry_time"] > each["oldest_arrival_time"]
               for each in groups)
    lines = instance.run("postqueue", "--summary", "--from", "bob@b.test", "--to", "two.test").stdout.decode()
    heading, line = lines.splitlines()
    assert heading.split() == "Recipients Messages Oldest Next try Queue Destination Transport Reason".split()
    assert line.split()[:2] == ["1", "1"] and line.split()[4:] == ["deferred", "two.test", "retry", "second", "cause"]


def test_filters_need_a_listing(waiting):
    for arguments, problem in [(["--to", "x"], "--to, --from, --reason and --older-than select from a listing"),
                               (["-f", "--to", "x"], "--to, --from, --reason and --older-than select from a listing"),
                               (["--ids", "-p"], "only one of -f, "), (["--summary", "-p"], "only one of -f, "),
                               (["--ids", "x"], "unexpected argument: x")]:
        result = waiting.run("postqueue", *arguments, check=False)
        assert result.returncode == os.EX_UNAVAILABLE
        said = result.stderr.decode()
        assert said.startswith(f"postqueue: warning: {problem}") and "postqueue: fatal: usage: postqueue -f | " in said
    result = waiting.run("postqueue", "-p", "--older-than", "soon", check=False)
    assert (result.returncode, result.stderr) == (os.EX_UNAVAILABLE, b"postqueue: fatal: --older-than: bad time: soon\n")


def test_a_selection_that_fits_nothing_is_no_empty_queue(three):
    instance, _ = three
    for arguments in (["-p", "--to", "nobody@x.test"], ["--summary", "--older-than", "1d"]):
        assert instance.run("postqueue", *arguments).stdout == b"No message matches, of 3 in the queue\n"
    assert instance.run("postqueue", "-j", "--to", "nobody@x.test").stdout == b""


@pytest.mark.needs_root
def test_denied_is_not_down(waiting):
    group = waiting.run("postconf", "-h", "setgid_group").stdout.decode().strip()
    for arguments, what in ((["-p"], "Connect to the Postfix showq service"), (["-f"], "connect to public/qmgr")):
        result = waiting.run("postqueue", *arguments, check=False, user="nobody")
        remedy, fatal = result.stderr.decode().splitlines()
        assert result.returncode == os.EX_UNAVAILABLE
        assert f"postqueue does not run with the group {group} (setgid_group); correct it with: chgrp {group} " in remedy
        assert fatal == f"postqueue: fatal: {what}: Permission denied"


def test_a_service_that_does_not_start_ends_the_listing(waiting):
    with (waiting.config / "main.cf").open("a") as main_cf:  # and no reload
        main_cf.write("minimal_backoff_time = 5x\n")
    waiting.expect_problem('showq.*fatal: .*minimal_backoff_time: .*expected, not "5x"')
    waiting.expect_problem("showq: bad command startup -- throttling")
    waiting.expect_problem("process .*showq pid .* exit status 1")
    result = waiting.run("mailq", check=False)
    assert result.returncode == os.EX_UNAVAILABLE
    assert result.stderr.decode().endswith(
        "postqueue: fatal: Queue report unavailable - the showq service does not answer within 15 seconds; "
        "the mail log has the reason, 'postfix check' may know it, too\n")


def test_a_queue_that_cannot_be_read_makes_the_listing_incomplete(waiting):
    queue_id = deferred(waiting, "x@one.test")
    hold = waiting.queue / "hold"
    hold.rmdir()
    hold.write_text("no directory\n")
    waiting.expect_problem("the queue report is incomplete")
    result = waiting.run("postqueue", "-p", check=False)
    assert result.returncode == 69
    assert b"the queue report is incomplete" in result.stderr
    assert queue_id.encode() in result.stdout, "the rest is shown"
    waiting.wait_for_log("showq.*warning: queue listing: open .*/hold: Not a directory")
    hold.unlink()
    hold.mkdir()
