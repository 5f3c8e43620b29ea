"""header_checks and its kind, on the way in and on the way out. All actions against Postfix: test/compat/filter_mail.py."""
import pytest
from support.ports import free_port
from support.scripted_server import ScriptedServer

MESSAGE = b"Subject: s\r\n\r\ntext\r\n"


@pytest.fixture
def make_relay(make_instance, sink):
    """An instance that sends everything but local mail to `sink`."""
    def make(**parameters):
        return make_instance(relayhost=f"[127.0.0.1]:{sink.port}", **parameters)
    return make


def test_held_mail_is_delivered_when_it_is_released(make_relay, sink):
    relay = make_relay(header_checks="regexp:{{/^Subject: s/ HOLD look at it}}").start()
    with relay.smtp() as client:
        queue_id = client.deliver("a@a.test", "b@far.test", MESSAGE)
    relay.wait_for_log(rf"{queue_id}: hold: header Subject: s from .*: look at it$")
    assert f"{queue_id}!" in relay.run("postqueue", "-p").stdout.decode()
    assert not sink.messages
    relay.run("postsuper", "-H", queue_id)
    relay.run("postqueue", "-f")
    assert b"\r\nSubject: s\r\n" in sink.wait_for(1)[0].content


def test_a_large_body_is_looked_at_while_it_comes(make_relay, sink):
    relay = make_relay(body_checks="regexp:{{/^needle$$/ REPLACE found}}", body_checks_size_limit="0").start()
    body = b"hay\r\n" * 100_000
    with relay.smtp() as client:
        client.deliver("a@a.test", "b@far.test", b"Subject: s\r\n\r\n" + body + b"needle\r\n" + body)
    assert sink.wait_for(1)[0].content.endswith(b"\r\n\r\n" + body + b"found\r\n" + body)


def test_a_rejected_message_of_a_local_user_comes_back(make_relay, sink):
    relay = make_relay(body_checks="regexp:{{/^text/ REJECT no text please}}").start()
    relay.sendmail("-f", "joe@far.test", "b@far.test", stdin=b"Subject: s\n\ntext\n")
    report = sink.wait_for(1)[0]
    assert (report.sender, report.recipients) == ("<>", ("joe@far.test",))
    assert b"no text please" in report.content


def test_no_header_body_checks_of_one_service(make_relay, sink):
    port = free_port()
    relay = make_relay(header_checks="regexp:{{/^Subject/ REJECT}}",
                       master=f"127.0.0.1:{port} inet n - n - - smtpd\n -o receive_override_options=no_header_body_checks\n").start()
    with relay.smtp() as client:
        client.mail("a@a.test"), client.rcpt("b@far.test")
        assert client.data(MESSAGE) == (550, "5.7.1 message content rejected")
    with relay.smtp(port=port) as client:
        client.deliver("a@a.test", "b@far.test", MESSAGE)
    sink.wait_for(1)


def test_rules_of_the_cleanup_service_count_not_those_of_smtpd(make_relay):
    relay = make_relay(service_options={"cleanup/unix": {"header_checks": "static:REJECT"},
                                        "smtp/inet": {"header_checks": "static:DISCARD"}}).start()
    with relay.smtp() as client:
        client.mail("a@a.test"), client.rcpt("b@far.test")
        assert client.data(MESSAGE) == (550, "5.7.1 message content rejected")


def test_a_rule_table_that_fails_on_the_way_out_defers(make_relay, sink):
    relay = make_relay(smtp_header_checks="fail:broken").start()
    with relay.smtp() as client:
        queue_id = client.deliver("a@a.test", "b@far.test", MESSAGE)
    relay.wait_for_log(rf"{queue_id}: to=<b@far.test>.* status=deferred \(local data error while talking to ")
    assert not sink.messages


def test_lmtp_has_rules_of_its_own(make_instance):
    with ScriptedServer(extensions=["PIPELINING"], lmtp=True) as server:
        instance = make_instance(transport_maps=f"inline:{{store.test=lmtp:inet:127.0.0.1:{server.port}}}",
                                 smtp_header_checks="regexp:{{/^Subject/ REPLACE X-Smtp: yes}}",
                                 lmtp_header_checks="regexp:{{/^Received/ IGNORE} {/^Subject/ REPLACE X-Lmtp: yes}}").start()
        with instance.smtp() as client:
            queue_id = client.deliver("a@a.test", "b@store.test", b"Subject: s\r\n\r\n.dot\r\n" + b"x" * 200_000 + b"\r\n")
        instance.wait_for_log(rf"{queue_id}: replace: header Subject: s: X-Lmtp: yes$")
        instance.wait_for_log(rf"{queue_id}: removed")
        content = server.transactions[0].content
    assert content.startswith(b"X-Lmtp: yes\r\n")
    assert b"Received" not in content


def test_lmtp_has_rules_of_its_own_for_what_is_inside(make_instance):
    nested = (b"Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
              b"--b\r\nContent-Description: part\r\n\r\ntext\r\n"
              b"--b\r\nContent-Type: message/rfc822\r\n\r\nX-Inner: inner\r\n\r\nother\r\n--b--\r\n")
    with ScriptedServer(lmtp=True) as server:
        instance = make_instance(transport_maps=f"inline:{{store.test=lmtp:inet:127.0.0.1:{server.port}}}",
                                 lmtp_mime_header_checks="regexp:{{/part/ REPLACE Content-Description: replaced}}",
                                 lmtp_nested_header_checks="regexp:{{/inner/ REPLACE X-Inner: replaced}}",
                                 lmtp_body_checks="regexp:{{/^text$$/ REPLACE replaced}}").start()
        with instance.smtp() as client:
            queue_id = client.deliver("a@a.test", "b@store.test", nested)
        instance.wait_for_log(rf"{queue_id}: removed")
        content = server.transactions[0].content
    assert b"\r\nContent-Description: replaced\r\n\r\nreplaced\r\n" in content
    assert b"\r\nX-Inner: replaced\r\n\r\nother\r\n" in content


@pytest.mark.parametrize("forced", ["yes", "no"])
def test_force_mime_input_conversion_sends_8bit_text_on_as_quoted_printable(make_relay, sink, forced):
    relay = make_relay(local_header_rewrite_clients="", force_mime_input_conversion=forced).start()
    header = b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\nSubject: s\r\n\r\n"
    with relay.smtp() as client:
        client.deliver("a@a.test", "b@far.test", header + "grüße = ".encode() + 100 * b"x" + b"\r\n")
    content = sink.wait_for(1)[0].content
    if forced == "no":
        assert content.endswith(header + "grüße = ".encode() + 100 * b"x" + b"\r\n")
    else:
        assert content.endswith(b"\r\nMIME-Version: 1.0\r\nSubject: s\r\nContent-Transfer-Encoding: quoted-printable"
                                b"\r\n\r\ngr=C3=BC=C3=9Fe =3D " + 55 * b"x" + b"=\r\n" + 45 * b"x" + b"\r\n")


@pytest.mark.parametrize("action", ["fix_quietly", "add_header", "reject"])
def test_non_empty_end_of_header_action(make_relay, sink, action):
    relay = make_relay(local_header_rewrite_clients="", non_empty_end_of_header_action=action).start()
    with relay.smtp() as client:
        client.mail("a@a.test"), client.rcpt("b@far.test")
        reply = client.data(b"Subject: s\r\nno header\r\nX-Late: 1\r\n")
    if action == "reject":
        assert reply == (550, "5.6.0 message header is not terminated by an empty line")
        relay.wait_for_log("reject: mime-error message header is not terminated by an empty line: no header from "
                           r"localhost\[127\.0\.0\.1\]; from=<a@a\.test> to=<b@far\.test>$")
        return
    mark = b"MIME-Error: message header is not terminated by an empty line\r\n" if action == "add_header" else b""
    assert sink.wait_for(1)[0].content.endswith(b"\r\nSubject: s\r\n" + mark + b"\r\nno header\r\nX-Late: 1\r\n")
