"""What arrives after DATA is what goes out, and nothing but CRLF.CRLF ends it."""
import pytest

RECIPIENT = "somebody@elsewhere.test"


@pytest.fixture
def relay(make_instance, sink):
    """An instance that sends everything to the sink."""
    def start(**parameters):
        return make_instance(relayhost=f"[127.0.0.1]:{sink.port}", smtpd_forbid_bare_newline_exclusions="",
                             **parameters).start()
    return start


def send_raw(instance, content):
    """Sends `content` as it is behind DATA and returns the replies up to the one for QUIT."""
    client = instance.smtp()
    client.mail("a@example.com"), client.rcpt(RECIPIENT), client.command("DATA")
    client.send(content)
    reply = client.reply()
    client.quit()
    client.close()
    return reply


def body(message):
    return message.content.split(b"\r\n\r\n", 1)[1]


def test_dots_long_lines_and_eight_bit_bytes_survive(relay, sink):
    text = b".\n..\n.x\n\n" + b"y" * 900 + b"\n" + bytes(range(128, 256)) + b"\n.\n"
    with relay().smtp() as client:
        client.deliver("a@example.com", RECIPIENT, b"Subject: odd\n\n" + text)
    assert body(sink.wait_for(1)[0]) == text.replace(b"\n", b"\r\n")


def test_bare_newline_ends_a_line_but_no_message(relay, sink):
    instance = relay()
    smuggled = b"Subject: one\r\n\r\nhello\n.\nMAIL FROM:<evil@example.com>\n.\r\n\r.\r\nend\r\n.\r\n"
    assert send_raw(instance, smuggled).code == 250
    message, = sink.wait_for(1)
    assert message.sender == "a@example.com"
    assert body(message) == b"hello\r\n\r\nMAIL FROM:<evil@example.com>\r\n\r\n .\r\nend\r\n"
    instance.wait_for_log("disconnect from .* notes=bare_lf$")
    assert len(sink.messages) == 1


def test_bare_newline_is_refused_when_told(relay):
    instance = relay(smtpd_forbid_bare_newline="reject")
    assert str(send_raw(instance, b"Subject: x\r\n\r\na\nb\r\n.\r\n")) == \
        "550 5.5.2 mail.local.test Error: bare <LF> received"
    instance.wait_for_log(r"bare <LF> received after DATA from localhost\[127\.0\.0\.1\]")


def test_message_over_the_limit_gets_552_and_the_session_goes_on(relay):
    instance = relay(message_size_limit=2000)
    with instance.smtp() as client:
        assert str(client.mail("a@example.com", "SIZE=2001")) == "552 5.3.4 Message size exceeds fixed limit"
        assert client.mail("a@example.com", "SIZE=1").code == 250
        client.rcpt(RECIPIENT)
        assert str(client.data(b"Subject: big\n\n" + b"x" * 70 + b"\n" + b"0123456789\n" * 400)) == \
            "552 5.3.4 Error: message file too big"
        assert client.noop().code == 250
    instance.wait_for_log("warning: [0-9A-F]+: queue file size limit exceeded")


def test_client_that_vanishes_in_data_leaves_nothing_behind(relay, sink):
    instance = relay()
    client = instance.smtp()
    client.mail("a@example.com"), client.rcpt(RECIPIENT), client.command("DATA")
    client.send(b"Subject: x\r\n\r\nabc")
    client.close()
    instance.wait_for_log(r"lost connection after DATA \(17 bytes\) from localhost\[127\.0\.0\.1\]")
    instance.wait_for_log(r"disconnect from .* ehlo=1 mail=1 rcpt=1 data=0/1 commands=3/4")
    assert instance.queue_is_empty()
    assert sink.messages == []


def test_received_header_names_the_only_recipient(relay, sink):
    instance = relay()
    with instance.smtp(ehlo="client.example.org") as client:
        one = client.deliver("a@example.com", RECIPIENT, b"Subject: one\n\nx\n")
        two = client.deliver("a@example.com", [RECIPIENT, "other@elsewhere.test"], b"Subject: two\n\nx\n")
    date = rb"[A-Z][a-z]{2}, [ \d]\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \([A-Z]+\)"
    start = rb"^Received: from client\.example\.org \(localhost \[127\.0\.0\.1\]\)\r\n" \
            rb"\tby mail\.local\.test \(Postfix\) with ESMTP id %s"
    import re
    sink.wait_for(2)
    heads = {b"one" if b"Subject: one" in m.content else b"two": m.content for m in sink.messages}
    assert re.match(start % one.encode() + rb"\r\n\tfor <somebody@elsewhere\.test>; " + date + rb"\r\nSubject: one", heads[b"one"])
    assert re.match(start % two.encode() + rb";\r\n\t" + date + rb"\r\nSubject: two", heads[b"two"])
