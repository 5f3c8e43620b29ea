"""Settings that protect mail and are not built yet stop the service instead of being ignored."""


def test_mail_that_must_be_encrypted_stays_in_the_queue(make_instance, sink):
    instance = make_instance(smtp_tls_security_level="encrypt", relayhost=f"[127.0.0.1]:{sink.port}").start()
    instance.expect_problem("smtp_tls_security_level = encrypt: not built yet")
    with instance.smtp() as client:
        client.deliver("a@example.com", "b@far.test", "Subject: secret\r\n\r\n")
    instance.wait_for_log(r"fatal: .*smtp_tls_security_level = encrypt: not built yet")
    assert not sink.messages
    assert not instance.queue_is_empty()


def test_mail_for_a_relay_that_wants_a_login_stays_in_the_queue(make_instance, sink):
    instance = make_instance(smtp_sasl_auth_enable="yes", relayhost=f"[127.0.0.1]:{sink.port}").start()
    instance.expect_problem("smtp_sasl_auth_enable = yes: not built yet")
    with instance.smtp() as client:
        client.deliver("a@example.com", "b@far.test", "Subject: hello\r\n\r\n")
    instance.wait_for_log(r"fatal: .*smtp_sasl_auth_enable = yes: not built yet")
    assert not sink.messages
    assert not instance.queue_is_empty()


def test_a_server_that_must_encrypt_does_not_answer_in_the_clear(make_instance):
    instance = make_instance(smtpd_tls_security_level="encrypt").start()
    instance.expect_problem("smtpd_tls_security_level = encrypt: not built yet")
    try:
        with instance.smtp(timeout=3) as client:
            raise AssertionError(f"served in the clear: {client.banner}")
    except (OSError, EOFError):
        pass
    instance.wait_for_log(r"fatal: .*smtpd_tls_security_level = encrypt: not built yet")
