"""qmgr(8): scheduling, deferral, retries, returns, and what happens when it or an agent dies."""
import os
import pathlib
import re
import signal
import socket

from support.ports import free_port
from support.waiting import wait_until

BODY = b"Subject: x\r\n\r\nhello\r\n"


def send(instance, *recipients, sender="a@local.test"):
    with instance.smtp() as client:
        return client.deliver(sender, list(recipients) if len(recipients) > 1 else recipients[0], BODY)


def line_of(instance, queue_id, program=r"\w+", count=1):
    return instance.wait_for_log(rf"postfix/{program}\[\d+\]: {queue_id}: (to=.*)$", count=count).group(1)


def test_one_message_leaves_the_lines_that_log_readers_know(make_instance):
    instance = make_instance(transport_maps="inline:{gone.test=discard:}").start()
    queue_id = send(instance, "x@gone.test", "y@gone.test")
    instance.wait_for_log(rf"{queue_id}: removed")
    lines = [re.sub(r"^.*?postfix/", "", line) for line in instance.log().splitlines() if queue_id in line]
    words = [re.match(rf"(\w+)\[\d+\]: {queue_id}: (\w[\w-]*)", line).groups() for line in lines]
    assert words == [("smtpd", "client"), ("cleanup", "message-id"), ("qmgr", "from"), ("discard", "to"),
                     ("discard", "to"), ("qmgr", "removed")]
    assert re.search(r": from=<a@local.test>, size=\d+, nrcpt=2 \(queue active\)$", lines[2])


def test_deferred_mail_is_tried_again_after_the_backoff_time(make_instance, sink):
    port = free_port()
    instance = make_instance(transport_maps=f"inline:{{far.test=smtp:[127.0.0.1]:{port}}}",
                             minimal_backoff_time="1s", maximal_backoff_time="1s").start()
    queue_id = send(instance, "x@far.test")
    line = line_of(instance, queue_id, "smtp")
    assert line.endswith(f"dsn=4.4.1, status=deferred (connect to 127.0.0.1[127.0.0.1]:{port}: Connection refused)")
    assert line_of(instance, queue_id, "smtp", count=2)
    instance.configure(transport_maps=f"inline:{{far.test=smtp:[127.0.0.1]:{sink.port}}}")
    instance.reload()
    sink.wait_for(1)
    instance.wait_for_log(rf"{queue_id}: removed")
    assert not list((instance.queue / "deferred").rglob(queue_id))


def test_deferred_mail_survives_a_restart_and_keeps_its_time(make_instance):
    instance = make_instance(transport_maps="inline:{wait.test=retry:}", smtpd_reject_unlisted_recipient=False).start()
    queue_id = send(instance, "x@wait.test")
    line_of(instance, queue_id)
    wait_until(lambda: list((instance.queue / "deferred").rglob(queue_id)), "the file in deferred/")
    [file] = (instance.queue / "deferred").rglob(queue_id)
    before = file.stat().st_mtime
    instance.stop()
    instance.start()
    send(instance, "y@wait.test")
    line_of(instance, r"\w+", count=2)
    assert file.stat().st_mtime == before
    assert len(re.findall(rf"{queue_id}: to=", instance.log())) == 1


def test_a_transport_that_does_not_exist_defers(make_instance):
    instance = make_instance(transport_maps="inline:{lost.test=nosuch:}").start()
    line = line_of(instance, send(instance, "x@lost.test"))
    assert line.startswith("to=<x@lost.test>, relay=none, delay=")
    assert line.endswith("dsn=4.3.0, status=deferred (mail transport unavailable)")
    assert re.search(r"qmgr\[\d+\]: warning: connect to transport private/nosuch: No such file or directory$",
                     instance.log(), re.M)


def test_defer_transports_are_not_used_until_the_queue_is_flushed(make_instance):
    instance = make_instance(transport_maps="inline:{gone.test=discard:}", defer_transports="discard").start()
    queue_id = send(instance, "x@gone.test")
    assert line_of(instance, queue_id).endswith("dsn=4.3.2, status=deferred (deferred transport)")
    # The agent's line is out a moment before the queue manager has put the message away.
    wait_until(lambda: b'"queue_name": "deferred"' in instance.run("postqueue", "-j").stdout, "a deferred message")
    instance.run("postqueue", "-f")
    assert "status=sent" in line_of(instance, queue_id, "discard")


def test_a_destination_that_does_not_answer_is_suspended(make_instance):
    port = free_port()
    instance = make_instance(transport_maps=f"inline:{{far.test=smtp:[127.0.0.1]:{port}}}",
                             initial_destination_concurrency="1").start()
    with instance.smtp() as client:
        for i in range(30):
            client.deliver("a@local.test", f"x{i}@far.test", BODY)
    instance.wait_for_log(r"status=deferred", count=30)
    suspended = re.findall(rf"/error\[\d+\]: .*dsn=4.4.1, status=deferred \(delivery temporarily suspended: "
                           rf"connect to 127.0.0.1\[127.0.0.1\]:{port}: Connection refused\)$", instance.log(), re.M)
    tried = re.findall(r"/smtp\[\d+\]: .*status=deferred \(connect to", instance.log())
    assert len(suspended) + len(tried) == 30


def test_mail_that_is_too_old_returns_to_its_sender(make_instance):
    instance = make_instance(transport_maps="inline:{ { wait.test = retry:4.2.1 mailbox is locked } }",
                             smtpd_reject_unlisted_recipient=False,
                             maximal_queue_lifetime="0").start()
    queue_id = send(instance, "x@wait.test", sender=f"{instance.user}@local.test")
    instance.wait_for_log(rf"qmgr\[\d+\]: {queue_id}: from=<{instance.user}@local.test>, status=expired, "
                          r"returned to sender$")
    instance.wait_for_log(rf"{queue_id}: sender non-delivery notification: \w+$")
    instance.wait_for_log(rf"{queue_id}: removed$")
    instance.wait_for_mailbox(b"mailbox is locked")


def test_a_warning_tells_the_sender_of_a_delay(make_instance):
    instance = make_instance(transport_maps="inline:{wait.test=retry:}",
                             smtpd_reject_unlisted_recipient=False, delay_warning_time="2s",
                             minimal_backoff_time="1s", maximal_backoff_time="1s").start()
    queue_id = send(instance, "x@wait.test", sender=f"{instance.user}@local.test")
    instance.wait_for_log(rf"{queue_id}: sender delay notification: \w+$")
    seen = instance.log().count(f"{queue_id}: to=")
    wait_until(lambda: instance.log().count(f"{queue_id}: to=") >= seen + 2, "two more attempts")
    assert instance.log().count("sender delay notification") == 1


def test_mail_to_the_double_bounce_address_is_discarded(make_instance):
    instance = make_instance().start()
    line = line_of(instance, send(instance, "double-bounce@local.test"), "qmgr")
    assert line.startswith("to=<double-bounce@local.test>, relay=none, delay=")
    assert line.endswith("dsn=2.0.0, status=sent (undeliverable postmaster notification discarded)")


def test_a_killed_queue_manager_loses_and_repeats_nothing(make_instance):
    instance = make_instance(transport_maps="inline:{gone.test=discard:}").start()
    queue_ids = set()
    with instance.smtp() as client:
        for i in range(300):
            queue_ids.add(client.deliver("a@local.test", f"x{i}@gone.test", BODY))
            if i % 100 == 50:
                instance.kill("qmgr")

    def delivered():
        return re.findall(r"/discard\[\d+\]: (\w+): to=.*status=sent", instance.log())

    wait_until(lambda: set(delivered()) >= queue_ids, lambda: f"{len(queue_ids - set(delivered()))} more deliveries")
    assert len(delivered()) == len(queue_ids)


def test_a_killed_agent_does_not_defer_mail(make_instance):
    instance = make_instance(transport_maps="inline:{gone.test=discard:}").start()
    with instance.smtp() as client:
        for i in range(200):
            client.deliver("a@local.test", f"x{i}@gone.test", BODY)
            if i % 80 == 40:
                instance.wait_for_log("status=sent", count=i)  # master throttles what dies before its first client
                instance.kill("discard")
    instance.wait_for_log("status=sent", count=200)
    assert "status=deferred" not in instance.log()


def test_qmgr_daemon_timeout_ends_a_queue_manager_that_stands_still(make_instance):
    instance = make_instance(qmgr_daemon_timeout="5s", transport_maps="inline:{gone.test=discard:}")
    instance.expect_problem("watchdog timeout")
    instance.expect_problem("killed by signal 6")  # of the abort
    instance.start()
    line_of(instance, send(instance, "x@gone.test"))
    [pid] = [pid for pid, name in instance.processes().items() if name == "qmgr"]
    os.kill(pid, signal.SIGSTOP)
    status = pathlib.Path(f"/proc/{pid}/status")

    def has_alarm():
        pending = re.search(r"^ShdPnd:\s*(\w+)$", status.read_text(), re.M).group(1)
        return int(pending, 16) & 1 << (signal.SIGALRM - 1)

    wait_until(has_alarm, "the watchdog's alarm")
    os.kill(pid, signal.SIGCONT)
    instance.wait_for_log(rf"qmgr\[{pid}\]: .*watchdog timeout")
    line_of(instance, send(instance, "x@gone.test"))
    for report in instance.directory.glob(f"sanitizer/report.{pid}"):
        report.unlink()  # of the abort, which is no fault here


def test_a_reload_keeps_the_queue_manager_and_takes_effect(make_instance):
    instance = make_instance(transport_maps="inline:{one.test=discard:}").start()
    line_of(instance, send(instance, "x@one.test"))
    [before] = instance.pids("qmgr")
    instance.configure(transport_maps="inline:{ {one.test=discard:} {two.test=retry:} }",
        smtpd_reject_unlisted_recipient=False)
    instance.reload()
    wait_until(lambda: "status=deferred" in line_of(instance, send(instance, "y@two.test")), "the new table")
    assert instance.pids("qmgr") == [before]


def test_a_list_is_split_by_the_recipient_limit(make_instance, sink):
    instance = make_instance(transport_maps=f"inline:{{far.test=smtp:[127.0.0.1]:{sink.port}}}",
                             smtp_destination_recipient_limit="7").start()
    send(instance, *[f"x{i}@far.test" for i in range(20)])
    sink.wait_for(3)
    assert sorted(len(message.recipients) for message in sink.messages) == [6, 7, 7]


def test_an_orderly_stop_leaves_nothing_half_done(make_instance):
    instance = make_instance(transport_maps="inline:{gone.test=discard:}").start()
    with instance.smtp() as client:
        queue_ids = {client.deliver("a@local.test", f"x{i}@gone.test", BODY) for i in range(100)}
    instance.stop()
    instance.start()
    wait_until(lambda: set(re.findall(r"/discard\[\d+\]: (\w+): to=", instance.log())) >= queue_ids, "all deliveries")
    assert len(re.findall(r"status=sent", instance.log())) == 100


def test_a_stuck_agent_does_not_stop_other_transports(make_instance):
    instance = make_instance(transport_maps="inline:{ {stuck.test=discard:} {free.test=retry:} }",
                             smtpd_reject_unlisted_recipient=False).start()
    line_of(instance, send(instance, "x@stuck.test"))
    instance.kill("discard", signal.SIGSTOP)
    try:
        send(instance, "y@stuck.test")
        assert "status=deferred" in line_of(instance, send(instance, "z@free.test"))
    finally:
        instance.kill("discard", signal.SIGCONT)
    instance.wait_for_log("status=sent", count=2)


def test_the_old_names_of_the_program_are_names_of_the_one_scheduler(make_instance):
    instance = make_instance(transport_maps="inline:{gone.test=discard:}",
                             master="old_qmgr unix n - n 300 1 oqmgr\nnew_qmgr unix n - n 300 1 nqmgr\n").start()
    for name in ("old_qmgr", "new_qmgr"):
        with socket.socket(socket.AF_UNIX) as hint:
            hint.connect(str(instance.queue / "public" / name))
            hint.sendall(b"I")
    send(instance, "x@gone.test")
    instance.wait_for_log("status=sent")
    assert "another process schedules" not in instance.log()


def test_a_large_list_is_delivered_piece_by_piece(make_instance, sink):
    instance = make_instance(transport_maps=f"inline:{{far.test=smtp:[127.0.0.1]:{sink.port}}}",
                             qmgr_message_recipient_limit="50", smtp_recipient_limit="100",
                             smtp_recipient_refill_limit="20").start()
    send(instance, *[f"x{i}@far.test" for i in range(600)])
    instance.wait_for_log("qmgr.*: removed")
    received = [recipient for message in sink.messages for recipient in message.recipients]
    assert len(received) == 600 and len(set(received)) == 600


def test_a_single_message_overtakes_a_large_mailing(make_instance, sink):
    instance = make_instance(transport_maps=f"inline:{{far.test=smtp:[127.0.0.1]:{sink.port}}}",
                             smtp_destination_concurrency_limit="1", smtp_destination_recipient_limit="2",
                             defer_transports="smtp").start()
    send(instance, *[f"x{i}@far.test" for i in range(200)])
    send(instance, "single@far.test")
    instance.wait_for_log("status=deferred .deferred transport", count=201)
    wait_until(lambda: len(list((instance.queue / "deferred").rglob("*[0-9A-F]"))) >= 2, "both in deferred/")
    instance.run("postqueue", "-f")
    instance.wait_for_log("qmgr.*: removed", count=2)
    order = [len(message.recipients) for message in sink.messages]
    assert len(order) == 101
    assert order.index(1) < 20


def test_a_second_qmgr_line_is_another_name_for_the_queue_manager(make_instance):
    instance = make_instance(transport_maps="inline:{gone.test=discard:}",
                             master="other_qmgr unix n - n 300 1 qmgr\n").start()
    with socket.socket(socket.AF_UNIX) as hint:
        hint.connect(str(instance.queue / "public" / "other_qmgr"))
        hint.sendall(b"I")
        line_of(instance, send(instance, "x@gone.test"), "discard")
        wait_until(lambda: len(instance.pids("qmgr")) == 2, "the second process")
    send(instance, "y@gone.test")
    instance.wait_for_log("status=sent", count=2)
