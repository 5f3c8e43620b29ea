"""SMTPUTF8 (RFC 6531) from the way in to the way out: who declares it, who has to, and where it cannot go on."""
import pytest
from support import Sink
from support.ports import free_port

JUERGEN = "jürgen@bücher.test"
PLAIN = b"Subject: hi\r\n\r\nhello\r\n"
UNICODE = "Subject: grüße\r\n\r\nhello\r\n".encode()


@pytest.fixture
def utf8_sink():
    with Sink(smtputf8=True) as sink:
        yield sink


@pytest.fixture
def make_relay(make_instance):
    def make(sink, **parameters):
        return make_instance(relayhost=f"[127.0.0.1]:{sink.port}", **parameters).start()
    return make


def declared(message):
    return "SMTPUTF8" in message.mail_options


def submit(relay, recipient, header="Subject: hi"):
    relay.sendmail("-f", "ann@a.test", recipient, stdin=f"{header}\n\nhello\n")


def test_what_is_declared_is_declared_to_the_next_server(make_relay, utf8_sink):
    relay = make_relay(utf8_sink)
    with relay.smtp() as client:
        assert client.mail("ann@a.test", "SMTPUTF8").code == 250
        assert client.rcpt(JUERGEN).code == 250
        assert client.data(UNICODE).code == 250
    message = utf8_sink.wait_for(1)[0]
    assert (message.recipients, declared(message)) == ((JUERGEN,), True)
    assert b" with UTF8SMTP id " in message.content and UNICODE.splitlines()[0] in message.content


@pytest.mark.parametrize(("recipient", "content"), [(JUERGEN, PLAIN), ("bob@far.test", UNICODE)])
def test_mail_that_needs_it_is_returned_where_it_is_not_offered(recipient, content, make_relay, sink):
    relay = make_relay(sink)
    with relay.smtp() as client:
        assert client.mail("", "SMTPUTF8").code == 250
        assert client.rcpt(recipient).code == 250
        assert client.data(content).code == 250
    relay.wait_for_log(r"dsn=5\.6\.7, status=bounced \(SMTPUTF8 is required, but was not offered by host 127\.0\.0\.1")
    assert not sink.messages


def test_mail_that_does_not_need_it_goes_anywhere(make_relay, sink):
    relay = make_relay(sink)
    with relay.smtp() as client:
        assert client.mail("ann@a.test", "SMTPUTF8").code == client.rcpt("bob@far.test").code == 250
        assert client.data(PLAIN).code == 250
    assert not declared(sink.wait_for(1)[0])


def test_smtputf8_autodetect_classes_finds_the_need(make_relay, utf8_sink):
    relay = make_relay(utf8_sink)                       # sendmail, verify
    submit(relay, JUERGEN)
    submit(relay, "bob@far.test", "Subject: grüße")
    submit(relay, "bob@far.test")
    assert sorted(declared(message) for message in utf8_sink.wait_for(3)) == [False, True, True]
    relay.configure(smtputf8_autodetect_classes="smtpd")
    relay.reload()
    submit(relay, "bob@far.test", "Subject: grüße")
    assert not declared(utf8_sink.wait_for(4)[3])
    with relay.smtp() as client:
        client.deliver("ann@a.test", "bob@far.test", UNICODE)
    assert declared(utf8_sink.wait_for(5)[4])


def test_strict_smtputf8_wants_it_declared(make_relay, sink):
    relay = make_relay(sink, strict_smtputf8="yes")
    with relay.smtp() as client:
        assert client.mail("ann@a.test").code == 250
        assert str(client.rcpt("jürgen@far.test")) == "553 5.6.7 Must declare SMTPUTF8 to send unicode address"
        assert client.rset().code == client.mail("ann@a.test", "SMTPUTF8").code == client.rcpt("jürgen@far.test").code == 250


def test_a_domain_in_utf8_is_looked_up_in_ascii(make_instance, dns):
    dns.zone("xn--bcher-kva.test", "@ MX 10 mx\nmx A 127.0.0.2")
    port = free_port(address="127.0.0.2")
    with Sink(port=port, address="127.0.0.2", smtputf8=True) as sink:
        instance = make_instance(smtp_tcp_port=port).start()
        submit(instance, JUERGEN)
        assert sink.wait_for(1)[0].recipients == (JUERGEN,)
        instance.wait_for_log(rf"to=<{JUERGEN}>, relay=mx\.xn--bcher-kva\.test\[127\.0\.0\.2\]:{port}, .*status=sent")


def test_the_original_recipient_goes_on_to_the_next_host_of_ours(make_instance, make_relay, utf8_sink):
    second = make_relay(utf8_sink)
    first = make_instance(relayhost=f"[127.0.0.1]:{second.smtp_port}").start()
    submit(first, JUERGEN)
    message = utf8_sink.wait_for(1)[0]
    assert (message.recipients, declared(message)) == ((JUERGEN,), True)


def test_a_report_to_a_utf8_address_declares_it(make_relay):
    with Sink(smtputf8=True, RCPT=lambda address: "550 5.1.1 no" if address.startswith("nobody") else None) as sink:
        relay = make_relay(sink)
        with relay.smtp() as client:
            assert client.mail(JUERGEN, "SMTPUTF8").code == client.rcpt("nobody@far.test").code == 250
            assert client.data(PLAIN).code == 250
        report = sink.wait_for(1)[0]
        assert report.sender in ("", "<>") and (report.recipients, declared(report)) == ((JUERGEN,), True)
