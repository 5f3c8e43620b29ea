"""discard(8), error(8) and retry: transports that go nowhere."""

BODY = b"Subject: x\r\n\r\nhello\r\n"


def send(instance, recipient):
    with instance.smtp() as client:
        return client.deliver("a@local.test", recipient, BODY)


def wait_for_line(instance, program, queue_id):
    return instance.wait_for_log(rf"postfix/{program}\[\d+\]: {queue_id}: (to=.*)$").group(1)


def test_discard_drops_and_logs_the_reason(make_instance):
    instance = make_instance(transport_maps="inline:{gone.test=discard:silently}").start()
    line = wait_for_line(instance, "discard", send(instance, "x@gone.test"))
    assert line.startswith("to=<x@gone.test>, relay=none, delay=")
    assert line.endswith("dsn=2.0.0, status=sent (silently)")
    instance.wait_until_queue_empty()


def test_error_returns_with_code_and_reason(make_instance):
    """Mail from inside: smtpd would refuse the recipient."""
    instance = make_instance(transport_maps="inline:{ { moved.test = error:5.1.6 user has moved } }").start()
    instance.sendmail("x@moved.test", stdin=BODY)
    line = instance.wait_for_log(r"postfix/error\[\d+\]: \w+: (to=<x@moved\.test>.*)$").group(1)
    assert line.endswith("dsn=5.1.6, status=bounced (user has moved)")


def test_retry_puts_off(make_instance):
    instance = make_instance(transport_maps="inline:{ { wait.test = retry:4.3.0 come back later } }").start()
    instance.sendmail("x@wait.test", stdin=BODY)
    line = instance.wait_for_log(r"postfix/error\[\d+\]: \w+: (to=<x@wait\.test>.*)$").group(1)
    assert line.endswith("dsn=4.3.0, status=deferred (come back later)")
    assert not instance.queue_is_empty()


def test_a_killed_agent_is_replaced(make_instance):
    instance = make_instance(transport_maps="inline:{gone.test=discard:}").start()
    send(instance, "x@gone.test")
    instance.wait_until_queue_empty()
    instance.kill("discard")
    send(instance, "y@gone.test")
    instance.wait_until_queue_empty()
    assert instance.log().count("status=sent") == 2
