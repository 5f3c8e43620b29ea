"""lmtp(8): one reply for each recipient after the final dot; TCP and UNIX sockets."""
import re

from support.ports import free_port
from support.scripted_server import ScriptedServer
from support.waiting import wait_until

BODY = b"Subject: x\r\n\r\nhello\r\n"
EXTENSIONS = ["PIPELINING", "ENHANCEDSTATUSCODES"]


def send(instance, *recipients):
    with instance.smtp() as client:
        return client.deliver("a@example.com", list(recipients), BODY)


def wait_for_line(instance, queue_id, user):
    return instance.wait_for_log(rf"postfix/lmtp\[\d+\]: {queue_id}: (to=<{user}@.*status=.*)$").group(1)


def test_recipients_get_different_outcomes(make_instance):
    answers = {"ok": "250 2.1.5 stored", "full": "452 4.2.2 over quota", "gone": "550 5.1.1 no such user"}
    end = lambda line: answers[re.search(r"<(\w+)@", line)[1]]  # noqa: E731
    with ScriptedServer(extensions=EXTENSIONS, lmtp=True, replies={"END": end}) as server:
        instance = make_instance(transport_maps=f"inline:{{store.test=lmtp:inet:127.0.0.1:{server.port}}}",
                                 lmtp_destination_recipient_limit=50).start()
        queue_id = send(instance, "ok@store.test", "full@store.test", "gone@store.test")
        assert wait_for_line(instance, queue_id, "ok").endswith("dsn=2.1.5, status=sent (250 2.1.5 stored)")
        assert wait_for_line(instance, queue_id, "full").endswith(
            "dsn=4.2.2, status=deferred (host 127.0.0.1[127.0.0.1] said: 452 4.2.2 over quota "
            "(in reply to end of DATA command))")
        assert "dsn=5.1.1, status=bounced" in wait_for_line(instance, queue_id, "gone")
        assert server.commands[0] == "LHLO mail.local.test"
        assert len(server.transactions) == 1


def test_unix_socket(make_instance):
    instance = make_instance(transport_maps="inline:{store.test=lmtp:unix:store}")
    with ScriptedServer(extensions=EXTENSIONS, lmtp=True, path=instance.queue / "store") as server:
        instance.start()
        queue_id = send(instance, "ok@store.test")
        line = wait_for_line(instance, queue_id, "ok")
        assert "relay=mail.local.test[store], " in line and "status=sent" in line
        assert len(server.transactions) == 1


def test_missing_socket_is_deferred(make_instance):
    instance = make_instance(transport_maps="inline:{store.test=lmtp:unix:missing}").start()
    line = wait_for_line(instance, send(instance, "ok@store.test"), "ok")
    assert "dsn=4.4.1, status=deferred (connect to mail.local.test[missing]: No such file or directory)" in line


def test_store_that_dies_between_two_replies_keeps_the_first(make_instance):
    """What the store has confirmed is not delivered again."""
    answers = ["250 2.1.5 stored", "close"]
    with ScriptedServer(extensions=EXTENSIONS, lmtp=True, replies={"END": answers}) as server:
        instance = make_instance(transport_maps=f"inline:{{store.test=lmtp:inet:127.0.0.1:{server.port}}}",
                                 lmtp_destination_recipient_limit=50).start()
        queue_id = send(instance, "one@store.test", "two@store.test")
        assert "status=sent" in wait_for_line(instance, queue_id, "one")
        assert "status=deferred (lost connection with 127.0.0.1[127.0.0.1] while sending end of data" in \
            wait_for_line(instance, queue_id, "two")

        def flushed():
            instance.run("postqueue", "-f")
            return instance.queue_is_empty()

        wait_until(flushed, "the second recipient's delivery", interval=0.5)
        assert server.transactions[-1].rcpts == ("RCPT TO:<two@store.test>",)


def test_lmtp_has_parameters_of_its_own(make_instance):
    with ScriptedServer(extensions=EXTENSIONS, lmtp=True) as server:
        instance = make_instance(transport_maps="inline:{store.test=lmtp:127.0.0.1}", lmtp_tcp_port=server.port,
                                 smtp_tcp_port=free_port(), lmtp_lhlo_name="me.test").start()
        assert "status=sent" in wait_for_line(instance, send(instance, "ok@store.test"), "ok")
        assert server.commands[0] == "LHLO me.test"
