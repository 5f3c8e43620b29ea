"""bounce(8): who hears what of a message that failed, waits or was delivered, and in which form."""
import re

import pytest
from support.messages import parsed
from support.scripted_server import ScriptedServer


def parts_of(message):
    """A multipart/report message and its three parts."""
    report = parsed(message)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    return report, list(report.iter_parts())


def test_failure_report_has_the_fields_of_rfc_3464(make_relay, sink):
    relay = make_relay().start()
    sink.replies["RCPT"] = lambda recipient: "550 5.1.1 nobody here" if recipient == "bob@back.test" else None
    with relay.smtp() as client:
        client.mail("ann@back.test", "ENVID=abc+2Bd", "RET=HDRS")
        client.rcpt("bob@back.test", "NOTIFY=FAILURE", "ORCPT=rfc822;robert@closed.test")
        queue_id = client.data(b"Subject: hi\r\nFrom: ann@back.test\r\n\r\nsecret\r\n").text.rsplit(" ", 1)[-1]
    message = sink.wait_for(1)[0]
    assert (message.sender, message.recipients) == ("<>", ("ann@back.test",))
    report, (text, status, returned) = parts_of(message)
    assert report["Subject"] == "Undelivered Mail Returned to Sender"
    assert report["From"] == "Mail Delivery System <MAILER-DAEMON@mail.local.test>"
    assert report["To"] == "ann@back.test"
    assert report["Auto-Submitted"] == "auto-replied"
    assert re.search(r"^<bob@back\.test>: host 127\.0\.0\.1\[127\.0\.0\.1\]\S* said: 550 5\.1\.1 nobody here \(in\s+"
                     r"reply to RCPT TO command\)\r$", text.get_content(), re.M)
    blocks = status.get_payload()
    assert blocks[0]["Reporting-MTA"] == "dns; mail.local.test"
    assert blocks[0]["Original-Envelope-Id"] == "abc+d"
    assert blocks[0]["X-Postfix-Queue-ID"] == queue_id
    assert blocks[0]["X-Postfix-Sender"] == "rfc822; ann@back.test"
    assert blocks[0]["Arrival-Date"]
    assert dict(blocks[1].items()) == {
        "Final-Recipient": "rfc822; bob@back.test", "Original-Recipient": "rfc822;robert@closed.test",
        "Action": "failed", "Status": "5.1.1", "Remote-MTA": "dns; 127.0.0.1",
        "Diagnostic-Code": "smtp; 550 5.1.1 nobody here"}
    assert returned.get_content_type() == "text/rfc822-headers"
    assert b"Subject: hi" in message.content and b"secret" not in message.content
    report_id = relay.wait_for_log(rf"bounce\[\d+\]: {queue_id}: sender non-delivery notification: (\w+)$").group(1)
    relay.wait_for_log(rf"qmgr\[\d+\]: {report_id}: from=<>, ")
    relay.wait_for_log(rf"qmgr\[\d+\]: {queue_id}: removed")


def test_failure_report_returns_the_message(make_relay, sink):
    relay = make_relay().start()
    relay.sendmail("-f", "ann@back.test", "bob@closed.test", stdin="Subject: hi\n\nwhole text\n")
    _, (text, status, returned) = parts_of(sink.wait_for(1)[0])
    assert "<bob@closed.test>: closed for good" in text.get_content()
    assert dict(status.get_payload()[1].items()) == {
        "Final-Recipient": "rfc822; bob@closed.test", "Original-Recipient": "rfc822;bob@closed.test",
        "Action": "failed", "Status": "5.7.9", "Diagnostic-Code": "X-Postfix; closed for good"}
    assert returned.get_content_type() == "message/rfc822"
    assert "whole text" in returned.as_string()
    assert returned.get_content()["Return-Path"] == "<ann@back.test>"


def test_a_big_message_is_not_returned(make_relay, sink):
    relay = make_relay(bounce_size_limit=2000).start()
    relay.sendmail("-f", "ann@back.test", "bob@closed.test", stdin="Subject: hi\n\n" + 100 * (60 * "x" + "\n"))
    message = sink.wait_for(1)[0]
    assert parts_of(message)[1][2].get_content_type() == "text/rfc822-headers"
    assert b"xxxx" not in message.content


def test_notify_never_and_success_only_hear_nothing_of_a_failure(make_relay):
    relay = make_relay().start()
    relay.sendmail("-f", "ann@back.test", "-N", "never", "bob@closed.test", stdin="\n")
    relay.sendmail("-f", "ann@back.test", "-N", "success", "cee@closed.test", stdin="\n")
    relay.wait_for_log(r"qmgr\[\d+\]: \w+: removed", count=2)
    assert "notification" not in relay.log()


def test_success_report_for_those_who_asked(make_relay, sink):
    relay = make_relay().start()
    with relay.smtp() as client:
        client.mail("ann@back.test")
        client.rcpt("bob@good.test", "NOTIFY=SUCCESS"), client.rcpt("cee@good.test")
        client.data(b"Subject: hi\r\n\r\ntext\r\n")
    report, (_, status, returned) = parts_of(sink.wait_for(1)[0])
    assert report["Subject"] == "Successful Mail Delivery Report"
    blocks = status.get_payload()
    assert len(blocks) == 2
    assert blocks[1]["Final-Recipient"] == "rfc822; bob@good.test"
    assert blocks[1]["Action"] == "delivered"
    assert returned.get_content_type() == "text/rfc822-headers"
    relay.wait_for_log(r"sender delivery status notification: \w+$")


def test_delay_warning_is_sent_once(make_relay, sink):
    relay = make_relay(delay_warning_time="1s", minimal_backoff_time="1s", maximal_backoff_time="1s",
                       queue_run_delay="1s", maximal_queue_lifetime="1d").start()
    relay.sendmail("-f", "ann@back.test", "bob@slow.test", stdin="Subject: hi\n\ntext\n")
    report, (text, status, _) = parts_of(sink.wait_for(1)[0])
    assert report["Subject"] == "Delayed Mail (still being retried)"
    assert "THIS IS A WARNING ONLY" in text.get_content()
    assert status.get_payload()[1]["Action"] == "delayed"
    assert status.get_payload()[1]["Will-Retry-Until"]
    relay.wait_for_log(r"sender delay notification: \w+$")
    relay.wait_for_log(r"status=deferred", count=relay.log().count("status=deferred") + 2)
    assert len(sink.messages) == 1


def test_expired_mail_is_returned_with_the_last_reason(make_relay, sink):
    relay = make_relay(maximal_queue_lifetime="2s", minimal_backoff_time="1s", maximal_backoff_time="1s",
                       queue_run_delay="1s").start()
    relay.sendmail("-f", "ann@back.test", "bob@slow.test", stdin="Subject: hi\n\ntext\n")
    _, (text, status, _) = parts_of(sink.wait_for(1)[0])
    assert "<bob@slow.test>: come back later" in text.get_content()
    assert status.get_payload()[1]["Action"] == "failed"
    assert status.get_payload()[1]["Status"] == "4.3.9"
    relay.wait_for_log(r"status=expired, returned to sender")


def test_null_sender_is_never_answered(make_relay):
    relay = make_relay().start()
    relay.sendmail("-f", "<>", "bob@closed.test", stdin="Subject: hi\n\ntext\n")
    relay.wait_for_log(r"qmgr\[\d+\]: \w+: removed")
    assert "notification" not in relay.log()


def test_undeliverable_bounce_goes_to_the_postmaster_who_asks_and_ends_there(make_relay, sink):
    relay = make_relay(notify_classes="2bounce", **{"2bounce_notice_recipient": "chief@back.test"}).start()
    relay.sendmail("-f", "ann@closed.test", "bob@closed.test", stdin="Subject: hi\n\ntext\n")
    message = sink.wait_for(1)[0]
    assert message.sender == "double-bounce@mail.local.test"
    assert message.recipients == ("chief@back.test",)
    assert parts_of(message)[0]["Subject"] == "Postmaster Copy: Undelivered Mail"
    relay.wait_for_log(r"postmaster non-delivery notification: \w+$")

    relay.configure(**{"2bounce_notice_recipient": "chief@closed.test"})
    relay.reload()
    relay.sendmail("-f", "<>", "bob@closed.test", stdin="Subject: hi\n\ntext\n")
    relay.wait_for_log(r"undeliverable postmaster notification discarded$")


def test_postmaster_copies_never_hold_the_message(make_relay, sink):
    relay = make_relay(notify_classes="bounce", bounce_notice_recipient="chief@back.test").start()
    relay.sendmail("-f", "ann@back.test", "bob@closed.test", stdin="Subject: hi\n\nsecret\n")
    messages = {message.recipients: message for message in sink.wait_for(2)}
    assert b"secret" in messages[("ann@back.test",)].content
    assert b"secret" not in messages[("chief@back.test",)].content


def test_verbose_sendmail_mails_a_report(make_relay, sink):
    relay = make_relay().start()
    result = relay.sendmail("-v", "-f", "ann@back.test", "bob@good.test", "cee@closed.test", stdin="Subject: hi\n\n")
    assert result.stdout == b"Mail Delivery Status Report will be mailed to <ann@back.test>.\n"
    subjects = {}
    for message in sink.wait_for(2):
        report, parts = parts_of(message)
        subjects[report["Subject"]] = parts[1].get_payload()
    actions = {block["Final-Recipient"]: block["Action"] for block in subjects["Mail Delivery Status Report"][1:]}
    assert actions == {"rfc822; bob@good.test": "delivered", "rfc822; cee@closed.test": "failed"}


def test_bv_asks_and_delivers_nothing(make_relay, sink):
    relay = make_relay().start()
    relay.sendmail("-bv", "-f", "ann@back.test", "bob@good.test", "cee@closed.test")
    report, (_, status, _) = parts_of(sink.wait_for(1)[0])
    assert report["Subject"] == "Mail Delivery Status Report"
    actions = {block["Final-Recipient"]: block["Action"] for block in status.get_payload()[1:]}
    assert actions == {"rfc822; bob@good.test": "deliverable", "rfc822; cee@closed.test": "undeliverable"}
    relay.wait_until_queue_empty()
    assert "status=sent" not in relay.log().split("delivery status notification")[0]


def test_bounce_killed_at_any_time_loses_no_report(make_relay, sink):
    relay = make_relay(minimal_backoff_time="1s", maximal_backoff_time="1s", queue_run_delay="1s").start()
    for number in range(20):
        relay.sendmail("-f", f"ann{number}@back.test", "bob@closed.test", stdin="Subject: hi\n\ntext\n")
        if number % 4 == 0:
            relay.kill("bounce")
    relay.wait_until_queue_empty(timeout=120)
    assert {message.recipients[0] for message in sink.messages} >= {f"ann{n}@back.test" for n in range(20)}


def test_defer_log_goes_when_the_message_goes(make_relay, sink):
    relay = make_relay(minimal_backoff_time="1s", maximal_backoff_time="1s", queue_run_delay="1s").start()
    sink.replies["RCPT"] = ["450 4.2.0 later"]
    relay.sendmail("-f", "ann@back.test", "bob@back.test", stdin="Subject: hi\n\ntext\n")
    queue_id = relay.wait_for_log(r": (\w+): to=<bob@back\.test>.*status=deferred").group(1)
    relay.wait_for_log(rf"{queue_id}: removed")
    sink.wait_for(1)
    assert not [path for path in (relay.queue / "defer").rglob("*") if path.is_file()]


@pytest.mark.parametrize("dsn", [True, False])
def test_a_peer_with_dsn_is_asked_for_the_report_of_success(make_instance, sink, dsn):
    with ScriptedServer(extensions=["DSN"] if dsn else []) as server:
        routes = {"back.test": sink.port, "far.test": server.port}
        relay = make_instance()
        relay.configure(transport_maps="inline:{%s}" % ", ".join(
            f"{{{domain}=smtp:[127.0.0.1]:{port}}}" for domain, port in routes.items()))
        relay.start()
        relay.sendmail("-N", "success", "-V", "id7", "-f", "ann@back.test", "bob@far.test", stdin="Subject: hi\n\n")
        relay.wait_for_log(r"to=<bob@far\.test>.*status=sent")
        relay.wait_until_queue_empty()
        [transaction] = server.transactions
        assert ("NOTIFY=SUCCESS" in transaction.rcpts[0]) == dsn
        assert ("ENVID=id7" in transaction.mail) == dsn
    assert len(sink.messages) == (0 if dsn else 1)
    if not dsn:
        blocks = parts_of(sink.messages[0])[1][1].get_payload()
        assert blocks[0]["Original-Envelope-Id"] == "id7"
        assert blocks[1]["Action"] == "relayed"


def test_a_peer_whose_dsn_is_discarded_is_not_asked(make_instance):
    with ScriptedServer(extensions=["DSN"]) as server:
        relay = make_instance(relayhost=f"[127.0.0.1]:{server.port}", smtp_discard_ehlo_keywords="dsn").start()
        relay.sendmail("-N", "failure", "-V", "id7", "-f", "ann@back.test", "bob@far.test", stdin="Subject: hi\n\n")
        relay.wait_until_queue_empty()
        [transaction] = server.transactions
        assert "NOTIFY" not in transaction.rcpts[0] and "ENVID" not in transaction.mail


def test_soft_bounce_makes_refusals_temporary(make_instance):
    relay = make_instance(soft_bounce=True).start()
    with relay.smtp() as client:
        client.mail("ann@x.test")
        assert client.rcpt("nobody-by-this-name@local.test").code == 450
        assert client.rcpt("bob@back.test").code in (250, 450)
    relay.sendmail("-f", "<>", "nobody-by-this-name@local.test", stdin="Subject: hi\n\n")
    relay.wait_for_log(r"to=<nobody-by-this-name@local\.test>.*dsn=4\.1\.1, status=SOFTBOUNCE")
