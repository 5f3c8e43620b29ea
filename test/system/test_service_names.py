"""postconf(5) *_service_name: programs ask the services that main.cf names, wherever master.cf has them."""

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
