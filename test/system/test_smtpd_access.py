"""What access tables can do to a message (access(5))."""
import pytest

RECIPIENT = "somebody@elsewhere.test"


def table(**actions):
    """A check_sender_access table: sender local part to action."""
    rules = ", ".join(f"{{{user}@example.com = {action}}}" for user, action in actions.items())
    return f"check_sender_access inline:{{{rules}}}"


@pytest.fixture
def relay(make_instance, sink):
    def start(**actions):
        return make_instance(relayhost=f"[127.0.0.1]:{sink.port}", smtpd_sender_restrictions=table(**actions)).start()
    return start


def deliver(instance, user):
    with instance.smtp() as client:
        return client.deliver(f"{user}@example.com", RECIPIENT, b"Subject: x\n\nx\n")


def test_prepend_stands_above_received(relay, sink):
    deliver(relay(a="PREPEND X-Seen: yes"), "a")
    assert sink.wait_for(1)[0].content.startswith(b"X-Seen: yes\r\nReceived: from ")


def test_discard_accepts_and_drops(relay, sink):
    instance = relay(a="DISCARD nobody wants it")
    assert deliver(instance, "a")
    instance.wait_for_log(r"discard: RCPT from localhost\[127\.0\.0\.1\]: "
                          r"<a@example\.com>: Sender address nobody wants it; from=<a@example\.com>")
    assert instance.queue_is_empty()
    assert sink.messages == []


def test_bcc_adds_a_recipient(relay, sink):
    deliver(relay(a="BCC archive@elsewhere.test"), "a")
    sink.wait_for(1)
    recipients = {address for message in sink.messages for address in message.recipients}
    assert recipients == {RECIPIENT, "archive@elsewhere.test"}


def test_warn_only_writes_a_line(relay, sink):
    instance = relay(a="WARN look at this")
    deliver(instance, "a")
    instance.wait_for_log(r"NOQUEUE: warn: RCPT from localhost\[127\.0\.0\.1\]: look at this; from=<a@example\.com> "
                          r"to=<somebody@elsewhere\.test> proto=ESMTP helo=<client\.test>$")
    sink.wait_for(1)


def test_warn_if_reject_lets_the_mail_pass(make_instance):
    instance = make_instance(smtpd_helo_restrictions="warn_if_reject reject_non_fqdn_helo_hostname").start()
    with instance.smtp(ehlo="short") as client:
        client.mail("a@example.com")
        assert client.rcpt(f"{instance.user}@local.test").code == 250
    instance.wait_for_log(r"reject_warning: RCPT from \S+: 504 5\.5\.2 <short>: Helo command rejected: need "
                          r"fully-qualified hostname;")


def test_restriction_class_is_a_list_with_a_name(make_instance):
    instance = make_instance(smtpd_restriction_classes="strict", strict="reject_non_fqdn_sender, reject",
                             smtpd_sender_restrictions="check_sender_access inline:{{bad@example.com = strict}}").start()
    with instance.smtp() as client:
        client.mail("bad@example.com")
        assert str(client.rcpt("bin@local.test")) == \
            "554 5.7.1 <bad@example.com>: Sender address rejected: Access denied"
        client.rset(), client.mail("good@example.com")
        assert client.rcpt(f"{instance.user}@local.test").code == 250


def test_client_tables_know_networks(make_instance):
    instance = make_instance(smtpd_client_restrictions="check_client_access inline:{{127.0.0 = 550 5.7.1 go away}}").start()
    with instance.smtp() as client:
        client.mail("a@example.com")
        assert str(client.rcpt("bin@local.test")) == "550 5.7.1 <localhost[127.0.0.1]>: Client host rejected: go away"


def test_code_421_disconnects(relay):
    instance = relay(a="421 4.7.0 not now")
    client = instance.smtp()
    client.mail("a@example.com")
    assert str(client.rcpt(RECIPIENT)) == "421 4.7.0 <a@example.com>: Sender address rejected: not now"
    assert client.at_end()
