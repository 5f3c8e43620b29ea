"""What smtp(8) sends out, and what the log says of it."""
import re
import threading
import time

import pytest
from support.ports import free_port, silent_port
from support.scripted_server import ScriptedServer

BODY = b"Subject: x\r\n\r\nhello\r\n"


@pytest.fixture
def relay(make_instance):
    """Makes a running instance that sends mail for remote.test to the server at a port of 127.0.0.1."""
    def make(port, **parameters):
        return make_instance(relayhost=f"[127.0.0.1]:{port}", **parameters).start()

    return make


def send(instance, *recipients, body=BODY, sender="a@example.com"):
    with instance.smtp() as client:
        return client.deliver(sender, list(recipients) or ["x@remote.test"], body)


def wait_for_line(instance, queue_id, status):
    return instance.wait_for_log(rf"postfix/smtp\[\d+\]: {queue_id}: (to=.*status={status} \(.*\))$").group(1)


def test_message_arrives_byte_for_byte_and_the_line_says_sent(relay, sink):
    instance = relay(sink.port)
    queue_id = send(instance, body=b"Subject: x\r\n\r\n.dot\r\n..\r\n" + b"\xe4" * 900 + b"\r\n")
    [message] = sink.wait_for(1)
    assert message.content.endswith(b"\r\n\r\n.dot\r\n..\r\n" + b"\xe4" * 900 + b"\r\n")
    assert message.helo == "mail.local.test"
    line = wait_for_line(instance, queue_id, "sent")
    assert re.fullmatch(rf"to=<x@remote\.test>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:{sink.port}, delay=[\d.]+, "
                        r"delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+, dsn=2\.0\.0, "
                        r"status=sent \(250 2\.0\.0 OK: kept as 1\)", line), line
    instance.wait_for_log(rf"qmgr\[\d+\]: {queue_id}: removed")


def test_large_message_arrives_byte_for_byte(relay, sink):
    instance = relay(sink.port)
    text = b"".join(b"%07d %s\r\n" % (number, b"y" * 60) for number in range(30_000))
    send(instance, body=b"Subject: big\r\n\r\n" + text)
    [message] = sink.wait_for(1)
    assert message.content.partition(b"\r\n\r\n")[2] == text


def test_long_lines_are_folded(relay, sink):
    instance = relay(sink.port, smtp_line_length_limit=100)
    send(instance, body=b"Subject: x\r\n\r\n" + b"z" * 250 + b"\r\nend\r\n")
    [message] = sink.wait_for(1)
    lines = message.content.partition(b"\r\n\r\n")[2].split(b"\r\n")
    assert all(len(line) <= 100 for line in lines)
    assert b"".join(line.lstrip(b" ") for line in lines[:-2]) == b"z" * 250
    assert lines[-2] == b"end"
    instance.wait_for_log("breaking line > 100 bytes with <CR><LF>SPACE")


def test_refused_connection_is_deferred(relay):
    port = free_port()
    instance = relay(port)
    queue_id = send(instance)
    instance.wait_for_log(rf"smtp\[\d+\]: connect to 127\.0\.0\.1\[127\.0\.0\.1\]:{port}: Connection refused$")
    line = wait_for_line(instance, queue_id, "deferred")
    assert "relay=none" in line and "dsn=4.4.1" in line
    assert line.endswith(f"(connect to 127.0.0.1[127.0.0.1]:{port}: Connection refused)")


def test_550_to_one_recipient_bounces_that_one_only(relay):
    refuse = lambda line: "550 5.1.1 <bad@remote.test>: no such user" if "bad@" in line else None  # noqa: E731
    with ScriptedServer(extensions=["PIPELINING"], replies={"RCPT": refuse}) as server:
        instance = relay(server.port)
        queue_id = send(instance, "good@remote.test", "bad@remote.test")
        bounced = wait_for_line(instance, queue_id, "bounced")
        assert bounced.startswith("to=<bad@remote.test>") and "dsn=5.1.1" in bounced
        assert bounced.endswith("(host 127.0.0.1[127.0.0.1] said: 550 5.1.1 <bad@remote.test>: no such user "
                                "(in reply to RCPT TO command))")
        assert wait_for_line(instance, queue_id, "sent").startswith("to=<good@remote.test>")
        assert [entry.rcpts for entry in server.transactions][0] == ("RCPT TO:<good@remote.test>",)


@pytest.mark.parametrize("key,reply,command", [
    ("MAIL", "451 4.3.2 full", "MAIL FROM"), ("RCPT", "450 4.2.0 greylisted", "RCPT TO"),
    ("DATA", "452 4.3.1 no room", "DATA"), ("END", "451 4.7.1 filtered", "end of DATA")])
@pytest.mark.parametrize("extensions", [[], ["PIPELINING"]], ids=["one-by-one", "pipelined"])
def test_4xx_is_deferred_with_what_the_server_said(relay, key, reply, command, extensions):
    with ScriptedServer(extensions=extensions, replies={key: lambda line: reply}) as server:
        instance = relay(server.port)
        line = wait_for_line(instance, send(instance), "deferred")
        assert line.endswith(f"(host 127.0.0.1[127.0.0.1] said: {reply} (in reply to {command} command))")
        assert f"dsn={reply[4:9]}" in line


@pytest.mark.parametrize("key,stage", [
    ("GREETING", "receiving the initial server greeting"), ("EHLO", "performing the EHLO handshake"),
    ("MAIL", "sending MAIL FROM"), ("RCPT", "sending RCPT TO"), ("DATA", "sending DATA command"),
    ("END", "sending end of data -- message may be sent more than once")])
def test_lost_connection_is_deferred_with_the_stage(relay, key, stage):
    with ScriptedServer(replies={key: lambda line: "close"}) as server:
        instance = relay(server.port)
        line = wait_for_line(instance, send(instance), "deferred")
        assert line.endswith(f"(lost connection with 127.0.0.1[127.0.0.1] while {stage})")
        assert "dsn=4.4.2" in line


def test_silent_server_times_out(relay):
    with ScriptedServer(replies={"MAIL": lambda line: "silence"}) as server:
        instance = relay(server.port, smtp_mail_timeout="1s")
        line = wait_for_line(instance, send(instance), "deferred")
        assert line.endswith("(conversation with 127.0.0.1[127.0.0.1] timed out while sending MAIL FROM)")


def test_5xx_greeting_is_deferred_by_default_and_bounced_otherwise(relay):
    with ScriptedServer(replies={"GREETING": lambda line: "554 5.7.1 go away"}) as server:
        instance = relay(server.port)
        line = wait_for_line(instance, send(instance), "deferred")
        assert line.endswith("(host 127.0.0.1[127.0.0.1] refused to talk to me: 554 5.7.1 go away)")
        other = relay(server.port, smtp_skip_5xx_greeting=False)
        assert "dsn=5.7.1" in wait_for_line(other, send(other), "bounced")


@pytest.mark.parametrize("reply", ["502 5.5.1 what?", "450 4.7.1 not now"])
def test_helo_is_tried_where_ehlo_is_refused(relay, reply):
    with ScriptedServer(replies={"EHLO": lambda line: reply}) as server:
        instance = relay(server.port)
        wait_for_line(instance, send(instance), "sent")
        assert server.commands[:2] == ["EHLO mail.local.test", "HELO mail.local.test"]


def test_garbage_instead_of_a_reply_is_deferred(relay):
    with ScriptedServer(replies={"GREETING": lambda line: "HTTP/1.1 400 Bad Request"}) as server:
        instance = relay(server.port)
        line = wait_for_line(instance, send(instance), "deferred")
        assert "Protocol error: host 127.0.0.1[127.0.0.1] said: HTTP/1.1 400 Bad Request" in line


def test_pipelined_commands_come_in_one_write(relay):
    with ScriptedServer(extensions=["PIPELINING"]) as server:
        instance = relay(server.port)
        wait_for_line(instance, send(instance, "x@remote.test", "y@remote.test"), "sent")
        assert any(chunk.startswith(b"MAIL FROM:<a@example.com>") and chunk.endswith(b"DATA\r\n")
                   and chunk.count(b"RCPT TO:") == 2 for chunk in server.chunks)


def test_pipelined_data_without_a_recipient_sends_a_lone_dot(relay):
    with ScriptedServer(extensions=["PIPELINING"], replies={"RCPT": lambda line: "550 5.1.1 no"}) as server:
        instance = relay(server.port)
        wait_for_line(instance, send(instance), "bounced")
        assert [entry.content for entry in server.transactions][:1] in ([b""], [])
        assert all(entry.rcpts == () for entry in server.transactions[:1])


def test_more_recipients_than_a_window(relay):
    with ScriptedServer(extensions=["PIPELINING"]) as server:
        instance = relay(server.port, smtp_destination_recipient_limit=500)
        send(instance, *[f"r{number}@remote.test" for number in range(300)])
        instance.wait_until_queue_empty()
        assert sum(len(entry.rcpts) for entry in server.transactions) == 300


def test_nothing_is_pipelined_where_it_is_not_offered(relay):
    with ScriptedServer() as server:
        instance = relay(server.port)
        wait_for_line(instance, send(instance), "sent")
        assert all(chunk.count(b"\r\n") == 1 for chunk in server.chunks)


def test_size_limit_of_the_server_bounces_before_mail(relay):
    with ScriptedServer(extensions=["SIZE 300"]) as server:
        instance = relay(server.port)
        line = wait_for_line(instance, send(instance, body=BODY + b"x" * 500 + b"\r\n"), "bounced")
        assert re.search(r"dsn=5\.3\.4.*\(message size \d+ exceeds size limit 300 of server 127\.0\.0\.1\[", line)
        assert not any(line.startswith("MAIL") for line in server.commands)


def test_dsn_parameters_are_passed_on(relay):
    with ScriptedServer(extensions=["DSN", "8BITMIME", "SIZE 10000"]) as server:
        instance = relay(server.port)
        with instance.smtp() as client:
            assert client.mail("a@example.com", "RET=HDRS", "ENVID=id+2B1").code == 250
            assert client.rcpt("x@remote.test", "NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;o@else.test").code == 250
            assert client.data(BODY).code == 250
        instance.wait_until_queue_empty()
        [entry] = server.transactions
        assert re.fullmatch(r"MAIL FROM:<a@example\.com> SIZE=\d+ ENVID=id\+2B1 RET=HDRS", entry.mail)
        assert entry.rcpts == ("RCPT TO:<x@remote.test> ORCPT=rfc822;o@else.test NOTIFY=SUCCESS,FAILURE",)


def test_connection_is_reused_for_the_next_message(relay):
    with ScriptedServer(extensions=["PIPELINING"]) as server:
        instance = relay(server.port, smtp_destination_concurrency_limit=1)
        with instance.smtp() as client:
            for _ in range(5):
                client.deliver("a@example.com", "x@remote.test", BODY)
        instance.wait_until_queue_empty()
        instance.wait_for_log(r"relay=.*, conn_use=2, delay=.*status=sent")
        assert server.sessions < 5
        assert len(server.transactions) == 5


def test_kept_connection_that_died_is_replaced_without_a_trace(relay):
    ends = []
    with ScriptedServer(replies={"MAIL": lambda line: "close" if ends and ends.pop() else None}) as server:
        instance = relay(server.port, smtp_connection_cache_destinations="127.0.0.1",
                         smtp_connection_cache_time_limit="30s")
        wait_for_line(instance, send(instance), "sent")
        ends.append(True)
        wait_for_line(instance, send(instance), "sent")
        assert server.sessions == 2
        assert "lost connection" not in instance.log()


def test_idle_connection_is_ended_with_quit(relay):
    with ScriptedServer() as server:
        instance = relay(server.port)
        wait_for_line(instance, send(instance), "sent")
        deadline = time.monotonic() + 10
        while "QUIT" not in server.commands and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.commands[-1] == "QUIT"


def test_sender_address_is_quoted_where_the_grammar_asks(relay):
    with ScriptedServer() as server:
        instance = relay(server.port)
        wait_for_line(instance, send(instance, '"x y"@remote.test'), "sent")
        assert server.transactions[0].rcpts == ('RCPT TO:<"x y"@remote.test>',)


def test_soft_bounce_keeps_what_would_be_returned(relay):
    with ScriptedServer(replies={"RCPT": lambda line: "550 5.1.1 no"}) as server:
        instance = relay(server.port, soft_bounce=True)
        queue_id = send(instance)
        assert "dsn=4.1.1" in wait_for_line(instance, queue_id, "SOFTBOUNCE")
        assert not instance.queue_is_empty()


def test_fallback_relay_is_used_when_the_destination_fails(relay, sink):
    instance = relay(free_port(), smtp_fallback_relay=f"[127.0.0.1]:{sink.port}")
    line = wait_for_line(instance, send(instance), "sent")
    assert f"relay=127.0.0.1[127.0.0.1]:{sink.port}" in line


def test_xforward_tells_a_filter_who_the_client_was(relay):
    with ScriptedServer(extensions=["PIPELINING", "XFORWARD NAME ADDR PROTO HELO IDENT SOURCE"]) as server:
        instance = relay(server.port, smtp_send_xforward_command=True)
        queue_id = send(instance)
        wait_for_line(instance, queue_id, "sent")
        assert server.commands[1:3] == [
            "XFORWARD NAME=localhost ADDR=127.0.0.1",
            f"XFORWARD PROTO=ESMTP HELO=client.test IDENT={queue_id} SOURCE=LOCAL"]


def test_reload_in_the_middle_of_a_delivery_neither_loses_nor_repeats(relay):
    waiting = threading.Event()

    def slowly(line):
        waiting.set()
        time.sleep(1)

    with ScriptedServer(replies={"END": slowly}) as server:
        instance = relay(server.port)
        send(instance)
        assert waiting.wait(10)
        instance.reload()
        queue_id = send(instance)
        wait_for_line(instance, queue_id, "sent")
        instance.wait_for_log(r"status=sent", count=2)
        assert len(server.transactions) == 2


def test_bad_nexthop_in_a_table_is_deferred(make_instance):
    instance = make_instance(transport_maps="inline:{remote.test=smtp:[127.0.0.1}").start()
    line = wait_for_line(instance, send(instance), "deferred")
    assert "dsn=4.3.5" in line and '(nexthop [127.0.0.1: "[127.0.0.1" has no closing bracket)' in line


@pytest.mark.parametrize("relayhost", ["smtp:[127.0.0.1]:25", "127.0.0.1]:25", "gateway..test", "587", "[127.0.0.1]:smpt"])
def test_mail_waits_for_a_relayhost_that_cannot_be_understood(make_instance, relayhost):
    instance = make_instance(relayhost=relayhost).start()
    line = wait_for_line(instance, send(instance), "deferred")
    assert "dsn=4.3.5" in line and f'(relayhost: "{relayhost}" has ' in line
    instance.wait_for_log("warning: relayhost configuration problem$")
    assert not instance.queue_is_empty()


def test_nothing_is_sent_to_what_stands_behind_words_that_make_no_sense(make_instance, sink):
    instance = make_instance(relayhost=f"[127.0.0.1]:{free_port()} # [127.0.0.1]:{sink.port}").start()
    line = wait_for_line(instance, send(instance), "deferred")
    assert "dsn=4.3.5" in line and '(relayhost: "#" has neither a host name nor an address)' in line
    instance.configure(relayhost=f"[127.0.0.1]:{sink.port} # the gateway")
    instance.reload()
    assert f"relay=127.0.0.1[127.0.0.1]:{sink.port}" in wait_for_line(instance, send(instance), "sent")


@pytest.mark.parametrize("fallback", ["smtp:[127.0.0.1]", "587"])
def test_mail_waits_for_a_fallback_relay_that_cannot_be_understood(relay, fallback):
    with ScriptedServer() as server:
        instance = relay(server.port, smtp_fallback_relay=fallback)
        wait_for_line(instance, send(instance), "sent")  # which needs no other
    line = wait_for_line(instance, send(instance), "deferred")
    assert "dsn=4.3.5" in line and f'(smtp_fallback_relay: "{fallback}" has ' in line
    instance.wait_for_log("warning: smtp_fallback_relay configuration problem$")


def test_a_list_of_nexthops_is_tried_in_order(make_instance, sink):
    first = free_port()
    instance = make_instance(
        transport_maps=f"inline:{{ {{remote.test=smtp:[127.0.0.1]:{first},[127.0.0.1]:{sink.port}}} }}").start()
    wait_for_line(instance, send(instance), "sent")
    assert len(sink.wait_for(1)) == 1


def test_server_that_never_accepts_is_given_up_after_the_connect_timeout(relay):
    with silent_port() as port:
        instance = relay(port, smtp_connect_timeout="1s")
        line = wait_for_line(instance, send(instance), "deferred")
        assert line.endswith(f"(connect to 127.0.0.1[127.0.0.1]:{port}: Connection timed out)")


def test_4xx_on_a_kept_connection_is_not_tried_on_another_one(relay):
    replies = iter([])
    with ScriptedServer(replies={"RCPT": lambda line: next(replies, None)}) as server:
        instance = relay(server.port, smtp_connection_cache_destinations="127.0.0.1",
                         smtp_connection_cache_time_limit="30s")
        for _ in range(2):
            with instance.smtp() as client:
                client.deliver("a@example.com", "x@remote.test", BODY)
        instance.wait_for_log("status=sent", count=2)
        replies = iter(["450 4.2.0 later"])
        line = wait_for_line(instance, send(instance), "deferred")
        assert "conn_use=" in line and "said: 450 4.2.0 later" in line
        assert instance.log().count("450 4.2.0 later") == 1
