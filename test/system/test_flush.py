"""flush(8): a site asks for its mail with ETRN (RFC 1985), an operator with postqueue -s or sendmail -qR. What is answered
to whom stands in test/compat (etrn-*, commands)."""
import json
import os

import pytest

from support.ports import free_port
from support.sink import Sink
from support.waiting import wait_until

BODY = b"From: ann@a.test\r\nSubject: hi\r\n\r\nhello\r\n"
DEFER_ALL = "inline:{relay.test=retry:, sub.relay.test=retry:, other.test=retry:}"
DROP_ALL = "inline:{relay.test=discard:, sub.relay.test=discard:, other.test=discard:}"
STARTED = (250, "Queuing started")


def queue_names(instance):
    """{queue id: queue name} of all messages."""
    lines = instance.run("postqueue", "-j").stdout.decode().splitlines()
    return {message["queue_id"]: message["queue_name"] for message in map(json.loads, lines)}


def deferred(instance, *recipients):
    """The ids of messages that wait in deferred/, one for each recipient (or tuple of recipients)."""
    with instance.smtp() as client:
        ids = [client.deliver("ann@a.test", recipient, BODY) for recipient in recipients]
    wait_until(lambda: all(queue_names(instance).get(queue_id) == "deferred" for queue_id in ids),
               lambda: f"{ids} in the deferred queue: {queue_names(instance)}")
    return ids


def let_mail_go(instance):
    """What is tried from now on leaves the queue."""
    instance.configure(transport_maps=DROP_ALL)
    instance.reload()


def said(result):
    return result.returncode, result.stderr.decode().rstrip("\n")


@pytest.fixture
def relay(make_instance):
    """Defers everything for the domains that it relays for."""
    return make_instance(relay_domains="relay.test, other.test", transport_maps=DEFER_ALL,
                         smtpd_reject_unlisted_recipient=False).start()


# --- ETRN

def test_etrn_has_the_mail_of_the_site_delivered_and_no_other(relay):
    first, second, other, below = deferred(relay, "x@relay.test", ["y@other.test", "y@Relay.Test"], "x@other.test",
                                           "x@sub.relay.test")
    let_mail_go(relay)
    with relay.smtp() as client:
        assert client.command("ETRN RELAY.test") == STARTED
    for queue_id in (first, second):
        relay.wait_for_log(rf"{queue_id}: removed")
    relay.wait_for_log(r"postfix/flush\[\d+\]: flush of relay\.test: deferred messages made due: 2")
    assert queue_names(relay) == {other: "deferred", below: "deferred"}


def test_etrn_with_an_at_sign_means_subdomains_too(relay):
    site, other, below = deferred(relay, "x@relay.test", "x@other.test", "x@sub.relay.test")
    let_mail_go(relay)
    with relay.smtp() as client:
        assert client.command("ETRN @relay.test") == STARTED
    for queue_id in (site, below):
        relay.wait_for_log(rf"{queue_id}: removed")
    assert queue_names(relay) == {other: "deferred"}


def test_etrn_is_offered_unless_it_is_discarded_and_works_nevertheless(make_instance):
    instance = make_instance(relay_domains="relay.test", smtpd_discard_ehlo_keywords="etrn").start()
    with instance.smtp() as client:
        assert "ETRN" not in client.extensions
        assert client.command("ETRN relay.test") == STARTED
    instance.configure(smtpd_discard_ehlo_keywords="")
    instance.reload()
    with instance.smtp() as client:
        assert "ETRN" in client.extensions


def test_only_fast_flush_domains_can_be_asked_for(make_instance):
    instance = make_instance(fast_flush_domains="relay.test, [192.0.2.1]", relay_domains="other.test").start()
    with instance.smtp() as client:
        for site, code in [("relay.test", 250), ("sub.relay.test", 250), ("[192.0.2.1]", 250), ("other.test", 459),
                           ("[192.0.2.2]", 459)]:
            reply = client.command(f"ETRN {site}")
            assert reply == (STARTED if code == 250 else (459, f"<{site}>: service unavailable"))
    instance.wait_for_log(r"smtpd\[\d+\]: warning: reject: ETRN other\.test\.\.\. from localhost\[127\.0\.0\.1\]$")
    instance.configure(parent_domain_matches_subdomains="")
    instance.reload()
    with instance.smtp() as client:
        assert client.command("ETRN sub.relay.test").code == 459
        assert client.command("ETRN relay.test") == STARTED


def test_a_list_that_does_not_answer_and_a_service_that_is_gone_are_458(make_instance):
    instance = make_instance(fast_flush_domains="texthash:/nonexistent/file").start()
    with instance.smtp() as client:
        assert client.command("ETRN relay.test") == (458, "Unable to queue messages")
        assert said(instance.run("postqueue", "-s", "relay.test", check=False))[0] == os.EX_UNAVAILABLE
        instance.wait_for_log(r"postfix/flush\[\d+\]: warning: fast_flush_domains: .*/nonexistent/file")
        (instance.queue / "public/flush").unlink()
        assert client.command("ETRN relay.test") == (458, "Unable to queue messages")
    instance.wait_for_log(r"smtpd\[\d+\]: warning: unable to talk to fast flush service: .*public/flush")


def test_a_rejection_by_etrn_restrictions_is_logged_as_others_are(make_instance):
    instance = make_instance(relay_domains="relay.test", smtpd_etrn_restrictions="reject").start()
    with instance.smtp() as client:
        assert client.command("ETRN relay.test") == (554, "5.7.1 <relay.test>: Etrn command rejected: Access denied")
    instance.wait_for_log(r"NOQUEUE: reject: ETRN from localhost\[127\.0\.0\.1\]: 554 5\.7\.1 <relay\.test>: "
                          r"Etrn command rejected: Access denied; proto=ESMTP helo=<client\.test>$")


def test_who_asks_while_a_pause_is_on_is_served_also_when_the_service_is_replaced(relay):
    first, second = deferred(relay, "x@relay.test", "x@other.test")
    let_mail_go(relay)
    with relay.smtp() as client:
        assert client.command("ETRN relay.test") == STARTED
        relay.wait_for_log(rf"{first}: removed")
        for site in ("a.other.test", "b.other.test", "other.test"):
            assert client.command(f"ETRN {site}") == STARTED
    relay.reload()
    relay.wait_for_log(rf"{second}: removed")
    assert queue_names(relay) == {}


def test_mail_on_hold_and_mail_of_recipients_that_are_done_stay(relay):
    held, partly = deferred(relay, "x@relay.test", ["x@relay.test", "x@other.test"])
    relay.run("postsuper", "-h", held)
    relay.configure(transport_maps=DROP_ALL.replace("other.test=discard:", "other.test=retry:"))
    relay.reload()
    with relay.smtp() as client:
        assert client.command("ETRN relay.test") == STARTED
    relay.wait_for_log(rf"{partly}: to=<x@relay\.test>.* status=sent")
    relay.wait_for_log(r"flush of relay\.test: deferred messages made due: 1$")
    wait_until(lambda: queue_names(relay) == {held: "hold", partly: "deferred"}, "one of them delivered in part")
    with relay.smtp() as client:
        assert client.command("ETRN relay.test") == STARTED
    relay.wait_for_log(r"flush of relay\.test: deferred messages made due: 0$")


# --- postqueue -s, sendmail -qR

def test_postqueue_s_and_sendmail_qr_flush_a_site(relay):
    first, second = deferred(relay, "x@relay.test", "x@other.test")
    let_mail_go(relay)
    assert said(relay.run("postqueue", "-s", "relay.test")) == (0, "")
    relay.wait_for_log(rf"{first}: removed")
    assert queue_names(relay) == {second: "deferred"}
    assert said(relay.sendmail("-qRother.test")) == (0, "")
    relay.wait_for_log(rf"{second}: removed")


def test_sendmail_qi_flushes_one_message(relay):
    first, second = deferred(relay, "x@relay.test", "x@relay.test")
    let_mail_go(relay)
    assert said(relay.sendmail(f"-qI{second}")) == (0, "")
    relay.wait_for_log(rf"{second}: removed")
    assert queue_names(relay) == {first: "deferred"}


def test_a_site_cannot_be_flushed_while_the_mail_system_is_down(make_instance):
    instance = make_instance(relay_domains="relay.test")
    code, text = said(instance.run("postqueue", "-s", "relay.test", check=False))
    warning, fatal = text.splitlines()
    assert code == os.EX_UNAVAILABLE
    assert warning.startswith("postqueue: warning: ") and "public/flush" in warning
    assert fatal == "postqueue: fatal: Cannot flush mail queue - mail system is down"


@pytest.mark.needs_root
def test_who_is_not_authorized_cannot_flush_a_site(make_instance):
    instance = make_instance(authorized_flush_users="root", relay_domains="relay.test").start()
    result = instance.run("postqueue", "-s", "relay.test", check=False, user="nobody")
    assert result.returncode == os.EX_NOPERM
    assert said(result)[1].startswith("postqueue: fatal: User nobody(")
    assert said(result)[1].endswith("is not allowed to flush the mail queue")
    assert said(instance.run("postqueue", "-s", "relay.test")) == (0, "")


def test_etrn_of_a_site_that_was_taken_for_dead_has_it_tried_again(make_instance):
    port = free_port()
    instance = make_instance(relay_domains="relay.test",
                             transport_maps=f"inline:{{relay.test=smtp:[127.0.0.1]:{port}}}").start()
    ids = deferred(instance, *(f"x{number}@relay.test" for number in range(12)))
    assert "delivery temporarily suspended" in instance.log()
    with Sink(port=port), instance.smtp() as client:
        assert client.command("ETRN relay.test") == STARTED
        for queue_id in ids:
            instance.wait_for_log(rf"{queue_id}: removed")
