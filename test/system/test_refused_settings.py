"""Settings that protect mail and are not built yet stop the service instead of being ignored."""
import pytest


@pytest.mark.parametrize("name, value", [("smtp_tls_security_level", "encrypt"), ("smtp_sasl_auth_enable", "yes")])
def test_mail_that_must_be_protected_stays_in_the_queue(make_instance, sink, name, value):
    instance = make_instance(**{name: value}, relayhost=f"[127.0.0.1]:{sink.port}").start()
    instance.expect_problem(f"{name} = {value}: not built yet")
    with instance.smtp() as client:
        client.deliver("a@example.com", "b@far.test", "Subject: secret\r\n\r\n")
    instance.wait_for_log(rf"fatal: .*{name} = {value}: not built yet")
    assert not sink.messages
    assert not instance.queue_is_empty()


def test_a_server_that_must_encrypt_takes_no_mail_in_the_clear(make_instance):
    instance = make_instance(smtpd_tls_security_level="encrypt").start()
    instance.expect_problem("No server certs available")
    with instance.smtp() as client:
        assert client.command("STARTTLS").code == 454
        assert client.mail("a@example.com") == (530, "5.7.0 Must issue a STARTTLS command first")
