"""postconf(5) *_service_name: programs ask the services that main.cf names, wherever master.cf has them."""
import re

import pytest

from support import configuration
from support.ports import free_port

BODY = b"Subject: x\r\n\r\nhello\r\n"

MASTER = """
keeper    unix - - n - 0 bounce
waiting   unix - - n - 0 bounce
reporting unix - - n - 0 bounce
lister    unix n - n - - showq
gatherer  unix n - n 60 1 pickup
scheduler unix n - n 300 1 qmgr
"""


def test_renamed_services_do_the_work(make_instance):
    instance = make_instance(
        master=MASTER, master_service_disable="bounce.unix, defer.unix, trace.unix, showq.unix, pickup.unix, qmgr.unix",
        bounce_service_name="keeper", defer_service_name="waiting", trace_service_name="reporting",
        showq_service_name="lister", pickup_service_name="gatherer", queue_service_name="scheduler",
        transport_maps="inline:{ { shut.test = error:5.7.9 shut }, { wait.test = retry:4.3.0 come back later }, "
                       "{ gone.test = discard: } }").start()
    instance.sendmail("-f", "a@gone.test", "x@shut.test", stdin=BODY)
    instance.wait_for_log(r"status=bounced \(shut\)")
    instance.wait_for_log(r"sender non-delivery notification: \w+")
    instance.wait_until_queue_empty()
    instance.sendmail("-f", "a@gone.test", "x@wait.test", stdin=BODY)
    instance.wait_for_log(r"status=deferred \(come back later\)")
    assert b"(come back later)" in instance.run("postqueue", "-p").stdout
    assert instance.run("postqueue", "-f").returncode == 0


def test_error_service_name_returns_what_cannot_be_delivered(make_instance):
    instance = make_instance(master="refuser unix - - n - - error", master_service_disable="error.unix",
                             error_service_name="refuser", relocated_maps="inline:{gone@local.test=here@far.test}").start()
    instance.sendmail("-f", "", "gone@local.test", stdin=BODY)
    instance.wait_for_log(r"to=<gone@local.test>, relay=none, .*status=bounced \(User has moved to here@far.test\)")


def routed(instance, address, **arguments):
    """The transport that `postconf explain` names, after mail to the address was logged as delivered by it."""
    with instance.smtp(**arguments) as client:
        queue_id = client.deliver("a@gone.test", address, BODY)
    instance.wait_for_log(rf"{queue_id}: removed")
    explained = instance.run("postconf", "-c", instance.config, "explain", address, check=False).stdout.decode()
    return re.search(rf"{queue_id}: to=<([^>]*)>, .*relay=(\w+)", instance.log()).groups(), explained


def rewrite_line(name, settings):
    return f"{name} unix - - n - - trivial-rewrite {settings}\n"


def test_rewrite_service_name_has_the_settings_of_forms_classes_and_routes(make_instance):
    """Those of the line that it names, and not those of the program that asks."""
    port = free_port()
    smtpd = f"127.0.0.1:{port} inet n - n - - smtpd -o rewrite_service_name=other -o relay_domains=none.test\n"
    first = rewrite_line("rewrite", "-o { transport_maps = inline:{ far.test=first: } } -o append_dot_mydomain=yes "
                                    "-o mydomain=added.test")
    other = rewrite_line("other", "-o relay_domains=far.test -o append_dot_mydomain=no")
    agents = "".join(f"{name} unix - - n - - discard\n" for name in ("first", "second"))
    instance = make_instance(master=smtpd + first + other + agents, relay_transport="second:", mynetworks="192.0.2.1",
                             smtpd_relay_restrictions="reject_unauth_destination", relay_domains="far.test",
                             service_options={"smtp/inet": {"transport_maps": "inline:{ far.test=retry: }"}})
    instance.start()
    (address, relay), explained = routed(instance, "x@far.test")
    assert (address, relay) == ("x@far.test", "none")
    assert "transport:     first" in explained and "-o" in explained
    with instance.smtp() as client:     # relay_domains of main.cf
        assert client.mail("a@gone.test").code == 250 and client.rcpt("x@none.test").code == 554
    with instance.smtp(port=port) as client:
        assert client.mail("a@gone.test").code == 250
        assert client.rcpt("x@none.test").code == 554   # the option of smtpd does not count
        assert client.rcpt("x@far.test").code == 250    # that of the line "other" does
        assert client.rcpt("x@far").code == 554         # ... which adds no domain
    instance.master = instance.master.replace("far.test=first:", "far.test=second:")
    instance.write_configuration()
    instance.reload()
    assert "transport:     second" in routed(instance, "x@far.test")[1]


@pytest.mark.skipif(not configuration.is_root(), reason="a jail needs root")
def test_a_queue_manager_in_its_jail_is_replaced_by_a_reload(make_instance):
    """It cannot read the line of rewrite_service_name from in there."""
    jail = "qmgr unix n - y 300 1 qmgr\n"
    instance = make_instance(master=jail + rewrite_line("rewrite", "-o { transport_maps = inline:{far.test=discard:first} }"))
    instance.start()
    instance.sendmail("x@far.test", stdin=BODY)
    instance.wait_for_log(r"to=<x@far\.test>, .*status=sent \(first\)")
    before = instance.pids("qmgr")
    instance.master = instance.master.replace("discard:first", "discard:second")
    instance.write_configuration()
    instance.reload()
    instance.sendmail("y@far.test", stdin=BODY)
    instance.wait_for_log(r"to=<y@far\.test>, .*status=sent \(second\)")
    assert not set(instance.pids("qmgr")) & set(before)
    instance.wait_until_queue_empty()
