"""sendmail -bs: an SMTP session on standard input and output, for programs that submit mail so."""
from support.tls import Pki

SESSION = b"EHLO client.test\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<%s@local.test>\r\nDATA\r\n" \
          b"Subject: by standard input\r\n\r\n..dot\r\n.\r\nQUIT\r\n"


def test_session_on_standard_input_delivers(instance):
    result = instance.sendmail("-bs", stdin=SESSION % instance.user.encode())
    codes = [line[:3] for line in result.stdout.decode().splitlines() if line[3:4] == " "]
    assert codes == ["220", "250", "250", "250", "354", "250", "221"]
    assert b"Subject: by standard input\n" in instance.wait_for_mailbox(b"\n\n.dot\n")


def test_message_is_kept_while_the_mail_system_is_down(instance):
    instance.stop()
    result = instance.sendmail("-bs", stdin=SESSION % instance.user.encode())
    assert b"250 2.0.0 Ok: queued as " in result.stdout
    instance.start()
    instance.wait_for_mailbox(b"Subject: by standard input")


def test_there_is_no_tls_on_standard_input(make_instance, tmp_path):
    pki = Pki(tmp_path / "pki")
    instance = make_instance(smtpd_tls_security_level="encrypt", **pki.server("rsa")).start()
    result = instance.sendmail("-bs", stdin=b"EHLO client.test\r\nSTARTTLS\r\nMAIL FROM:<a@example.com>\r\nQUIT\r\n")
    assert b"250-STARTTLS" not in result.stdout
    codes = [line[:3] for line in result.stdout.decode().splitlines() if line[3:4] == " "]
    assert codes == ["220", "250", "502", "250", "221"]
