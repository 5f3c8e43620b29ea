"""Tables that replace what became of a delivery (default_delivery_status_filter and those of the agents)."""
import re

import pytest

_FAILURE_TO_DELAY = "pcre:{{/^5(\\.1\\.1 .*)/ 4$$1 (tried again)}}"


@pytest.fixture
def make_relay(make_instance, sink):
    """An instance whose mail goes to `sink`, which knows no one whose name begins with x."""
    def make(**parameters):
        sink.replies["RCPT"] = lambda recipient: "550 5.1.1 no such user" if recipient.startswith("x") else None
        return make_instance(relayhost=f"[127.0.0.1]:{sink.port}", **parameters).start()
    return make


@pytest.mark.parametrize("settings", [{"smtp_delivery_status_filter": _FAILURE_TO_DELAY},
                                      {"default_delivery_status_filter": _FAILURE_TO_DELAY}], ids=str)
def test_a_failure_becomes_a_delay(make_relay, settings):
    relay = make_relay(**settings)
    relay.sendmail("-f", "ann@a.test", "xbob@b.test", stdin="Subject: hi\n\ntext\n")
    relay.wait_for_log(r"to=<xbob@b\.test>.*dsn=4\.1\.1, status=deferred \(host .* said: 550 5\.1\.1 no such user "
                       r"\(in reply to RCPT TO command\) \(tried again\)\)")


def test_without_a_filter_it_is_a_failure(make_relay):
    relay = make_relay()
    relay.sendmail("-f", "<>", "xbob@b.test", stdin="Subject: hi\n\ntext\n")
    relay.wait_for_log(r"to=<xbob@b\.test>.*dsn=5\.1\.1, status=bounced")


def test_a_success_keeps_being_one(make_relay):
    relay = make_relay(smtp_delivery_status_filter="pcre:{{/^2\\S+ .*cc/ 5.0.0 no} {/^2(\\S+ .*)/ 2$$1 noted}}")
    relay.sendmail("-f", "<>", "bob@b.test", stdin="Subject: hi\n\ntext\n")
    relay.wait_for_log(r"to=<bob@b\.test>.*dsn=2\.\d\.\d, status=sent \(.* noted\)")
    relay.configure(smtp_delivery_status_filter="static:{5.0.0 no}")
    relay.expect_problem("cannot become")
    relay.reload()
    relay.sendmail("-f", "<>", "cee@b.test", stdin="Subject: hi\n\ntext\n")
    relay.wait_for_log(r"to=<cee@b\.test>.*status=sent")
    assert re.search(r'delivery status filter: "2\..*" cannot become "5\.0\.0 no"', relay.log())


def test_local_delivery_status_filter(make_relay):
    relay = make_relay(local_delivery_status_filter="static:{4.2.9 not today}")
    relay.sendmail("-f", "<>", "nobody-by-this-name@local.test", stdin="Subject: hi\n\ntext\n")
    relay.wait_for_log(r"to=<nobody-by-this-name@local\.test>.*dsn=4\.2\.9, status=deferred \(not today\)")


def test_smtp_discard_ehlo_keyword_address_maps(make_relay, sink):
    relay = make_relay()
    relay.sendmail("-f", "ann@a.test", "bob@b.test", stdin="Subject: hi\n\ntext\n")
    assert any(option.startswith("SIZE=") for option in sink.wait_for(1)[0].mail_options)
    relay.configure(smtp_discard_ehlo_keyword_address_maps="inline:{127.0.0.1=size}")
    relay.reload()
    relay.sendmail("-f", "ann@a.test", "cee@b.test", stdin="Subject: hi\n\ntext\n")
    assert sink.wait_for(2)[1].mail_options == ()
