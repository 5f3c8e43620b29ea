"""smtp_generic_maps: addresses are rewritten when mail leaves by SMTP or LMTP, and nowhere else (generic(5)).

What becomes of each form of address is in test/compat (scenarios generic*).
"""
import re

from support import Sink
from support.scripted_server import ScriptedServer

_TABLE = "inline:{me@mail.local.test=account@isp.test, you@mail.local.test=other@isp.test}"


def _to(sink, **parameters):
    return {"transport_maps": f"inline:{{far.test=smtp:[127.0.0.1]:{sink.port}}}", "smtp_generic_maps": _TABLE} | parameters


def test_envelope_and_headers_are_rewritten_on_output(make_instance):
    with Sink() as sink:
        instance = make_instance(**_to(sink)).start()
        with instance.smtp() as client:
            queue_id = client.deliver("me@mail.local.test", "x@far.test", "From: Me <me@mail.local.test> (c)\nTo: x@far.test,\n "
                                      "you@mail.local.test\nSubject: me@mail.local.test\n\nme@mail.local.test\n")
        [message] = sink.wait_for(1)
        instance.wait_for_log(f"{queue_id}: removed")
        assert message.sender == "account@isp.test"
        header, body = message.content.split(b"\r\n\r\n", 1)
        assert b"\r\nFrom: Me <account@isp.test> (c)\r\nTo: x@far.test,\r\n other@isp.test\r\n" in header
        assert b"Subject: me@mail.local.test" in header and body == b"me@mail.local.test\r\n"
        assert f"{queue_id}: from=<me@mail.local.test>" in instance.log()


def test_large_mail_and_dots_keep_their_body(make_instance):
    body = b".one dot\r\n..two\r\n" + b"0123456789abcdef\r\n" * 20000
    with Sink() as sink:
        instance = make_instance(**_to(sink)).start()
        with instance.smtp() as client:
            client.deliver("me@mail.local.test", "x@far.test", b"From: me@mail.local.test\r\n\r\n" + body)
        [message] = sink.wait_for(1)
        header, received = message.content.split(b"\r\n\r\n", 1)
        assert received == body and b"From: account@isp.test" in header


def test_lmtp_has_a_table_of_its_own(make_instance):
    with ScriptedServer(extensions=["ENHANCEDSTATUSCODES"], lmtp=True) as server:
        instance = make_instance(transport_maps=f"inline:{{far.test=lmtp:inet:127.0.0.1:{server.port}}}", smtp_generic_maps=_TABLE,
                                 lmtp_generic_maps="inline:{me@mail.local.test=lmtp@isp.test}").start()
        with instance.smtp() as client:
            queue_id = client.deliver("me@mail.local.test", "x@far.test", b"Subject: x\r\n\r\nx\r\n")
        instance.wait_for_log(f"{queue_id}: removed")
        assert any(command.startswith("MAIL FROM:<lmtp@isp.test>") for command in server.commands)


def test_table_that_does_not_answer_puts_the_mail_off(make_instance):
    with Sink() as sink:
        instance = make_instance(**_to(sink, smtp_generic_maps="fail:broken")).start()
        with instance.smtp() as client:
            queue_id = client.deliver("me@mail.local.test", "x@far.test", b"Subject: x\r\n\r\nx\r\n")
        line = instance.wait_for_log(rf"{queue_id}: to=<x@far.test>.*$")[0]
        assert "dsn=4.3.0, status=deferred (smtp_generic_maps lookup failure)" in line
        assert not sink.messages


def test_other_transports_leave_addresses_as_they_are(make_instance):
    instance = make_instance(smtp_generic_maps=_TABLE, home_mailbox="", mailbox_command="sed -n 's/^From: //p' >&2; exit 69").start()
    with instance.smtp() as client:
        queue_id = client.deliver("me@mail.local.test", f"{instance.user}@local.test", b"From: me@mail.local.test\r\n\r\nx\r\n")
    line = instance.wait_for_log(rf"{queue_id}: to=<.*$")[0]
    assert re.search(r"Command output: me@mail.local.test", line)
