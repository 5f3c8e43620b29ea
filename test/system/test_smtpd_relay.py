"""smtpd is never an open relay, and a mistake in a restriction list delays mail instead of opening or losing it."""
import pytest

STRANGER = {"mynetworks": "192.0.2.0/24"}


def replies(instance, *recipients):
    with instance.smtp() as client:
        assert client.mail("a@example.com").code == 250
        return [client.rcpt(recipient) for recipient in recipients]


def test_stranger_may_send_to_us_and_nowhere_else(make_instance):
    instance = make_instance(relay_domains="relay.test", **STRANGER).start()
    ours, relayed, foreign, routed = replies(instance, f"{instance.user}@local.test", "any@relay.test",
                                             "a@elsewhere.test", "a%elsewhere.test@local.test")
    assert ours.code == relayed.code == 250
    assert str(foreign) == "454 4.7.1 <a@elsewhere.test>: Relay access denied"
    assert str(routed) == "454 4.7.1 <a%elsewhere.test@local.test>: Relay access denied"
    instance.wait_for_log(r"[0-9A-F]+: reject: RCPT from localhost\[127\.0\.0\.1\]: 454 4\.7\.1 <a@elsewhere\.test>: Relay "
                          r"access denied; from=<a@example\.com> to=<a@elsewhere\.test> proto=ESMTP helo=<client\.test>$")


def test_a_route_beyond_the_next_system_is_for_those_who_may_relay(make_instance):
    """postconf(5) allow_untrusted_routing: a backup MX host would else open the primary one."""
    instance = make_instance(relay_domains="relay.test", local_recipient_maps="", **STRANGER).start()
    forms = ["a%elsewhere.test@relay.test", "elsewhere.test!a@relay.test", '"a@elsewhere.test"@relay.test',
             "a%b%relay.test@local.test"]
    assert [reply.code for reply in replies(instance, *forms)] == [454] * 4
    known = ["a%relay.test@local.test", "a%local.test@local.test", '"a@local.test"@local.test']
    assert [reply.code for reply in replies(instance, *known)] == [250] * 3
    instance.configure(allow_untrusted_routing="yes")
    instance.stop()
    instance.start()
    assert [reply.code for reply in replies(instance, *forms)] == [250] * 4


def test_permission_in_another_list_does_not_open_the_relay(make_instance):
    instance = make_instance(smtpd_client_restrictions="permit", smtpd_helo_restrictions="permit",
                             smtpd_sender_restrictions="permit", smtpd_recipient_restrictions="permit", **STRANGER).start()
    assert replies(instance, "a@elsewhere.test")[0].code == 454


def test_lists_that_stop_nobody_are_refused(make_instance):
    instance = make_instance(smtpd_relay_restrictions="", smtpd_recipient_restrictions="permit_mynetworks", **STRANGER)
    instance.expect_problem("smtpd_relay_restrictions or smtpd_recipient_restrictions")
    instance.start()
    client = instance.smtp(ehlo=None)           # smtpd is started by its first client
    instance.wait_for_log("fatal: .*in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at "
                          "least one working instance of: reject_unauth_destination")
    client.close()


@pytest.mark.parametrize("restrictions, line", [
    ("permit_mynetwork", r'unknown smtpd restriction: "permit_mynetwork" \(did you mean permit_mynetworks\?\)'),
    ("frobnicate", r'unknown smtpd restriction: "frobnicate"$'),
    ("reject_rbl_client zen.example", r'smtpd restriction "reject_rbl_client" is not implemented yet'),
    ("check_recipient_access", "restriction check_recipient_access needs an argument"),
])
def test_unusable_restriction_is_451_and_named_in_the_log(restrictions, line, make_instance):
    instance = make_instance(smtpd_recipient_restrictions=restrictions).start()
    assert str(replies(instance, "a@elsewhere.test")[0]) == "451 4.3.5 Server configuration error"
    instance.wait_for_log(f"postfix/smtpd.*: warning: {line}")


def test_unreadable_table_is_451_never_unknown_user(make_instance):
    instance = make_instance(local_recipient_maps="texthash:/nonexistent/file",
                             smtpd_sender_restrictions="check_sender_access texthash:/nonexistent/other").start()
    assert str(replies(instance, "bin@local.test")[0]) == \
        "451 4.3.5 <a@example.com>: Sender address rejected: Server configuration error"
    instance.configure(smtpd_sender_restrictions="")
    instance.reload()

    def answer():
        return str(replies(instance, "bin@local.test")[0])

    from support.waiting import wait_until
    wait_until(lambda: answer() == "451 4.3.0 <bin@local.test>: Temporary lookup failure", "the new configuration")
