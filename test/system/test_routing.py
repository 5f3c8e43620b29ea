"""Address classes, transports and nexthops, as smtpd, qmgr and trivial-rewrite(8) see them."""
import pytest

from support.ipc import IpcClient

BODY = b"Subject: x\r\n\r\nhello\r\n"
UNKNOWN = "550 5.1.1 <{0}>: Recipient address rejected: User unknown in {1}"


def rcpt(instance, recipient, sender="a@local.test"):
    with instance.smtp() as client:
        client.mail(sender)
        return str(client.rcpt(recipient))


def delivery(instance, recipient, sender="a@local.test"):
    """What the delivery agent logged for a message to the recipient: "agent: to=..., ... (text)"."""
    with instance.smtp() as client:
        queue_id = client.deliver(sender, recipient, BODY)
    match = instance.wait_for_log(rf"postfix/(\w+)\[\d+\]: {queue_id}: (to=.*)$")
    return f"{match.group(1)}: {match.group(2)}"


def test_unknown_recipients_are_refused_with_the_table_of_their_class(make_instance):
    instance = make_instance(local_recipient_maps="inline:{user=1}",
                             virtual_alias_domains="alias.test", virtual_alias_maps="inline:{a@alias.test=user}",
                             virtual_mailbox_domains="box.test", virtual_mailbox_maps="inline:{v@box.test=v/}",
                             relay_domains="relay.test", relay_recipient_maps="inline:{r@relay.test=1}").start()
    for known in ["user@local.test", "a@alias.test", "v@box.test", "r@relay.test"]:
        assert rcpt(instance, known).startswith("250"), known
    for recipient, table in [("no@local.test", "local recipient table"), ("no@alias.test", "virtual alias table"),
                             ("no@box.test", "virtual mailbox table"), ("no@relay.test", "relay recipient table")]:
        assert rcpt(instance, recipient) == UNKNOWN.format(recipient, table)


def test_a_table_that_cannot_be_read_never_makes_a_user_unknown(make_instance):
    instance = make_instance(local_recipient_maps="hash:/nonexistent/users").start()
    assert rcpt(instance, "user@local.test").startswith("451 4.3.0 <user@local.test>: Temporary lookup failure")


def test_the_most_specific_transport_entry_wins(make_instance):
    instance = make_instance(recipient_delimiter="+", transport_maps="inline:{ {u+x@a.test=discard:1} {u@a.test="
                             "discard:2} {a.test=discard:3} {.a.test=discard:4} {*=discard:5} }").start()
    for number, recipient in enumerate(["u+x@a.test", "u+y@a.test", "v@a.test", "v@sub.a.test", "v@b.test"], 1):
        assert delivery(instance, recipient).endswith(f"status=sent ({number})")


def test_the_sender_chooses_its_transport(make_instance):
    instance = make_instance(default_transport="retry:other", smtpd_reject_unlisted_recipient=False,
                             sender_dependent_default_transport_maps="inline:{@own.test=discard:own}").start()
    assert delivery(instance, "u@far.test", "s@own.test").endswith("status=sent (own)")
    assert delivery(instance, "u@far.test", "s@else.test").endswith("status=deferred (other)")


def test_mail_that_is_routed_by_its_sender_is_not_relayed_for_strangers(make_instance):
    instance = make_instance(mynetworks="192.0.2.0/24").start()
    for recipient in ["u%far.test@local.test", "far.test!u@local.test", '"u@far.test"@local.test']:
        assert "Relay access denied" in rcpt(instance, recipient), recipient


def test_a_domain_in_two_classes_is_warned_of(make_instance):
    instance = make_instance(virtual_mailbox_domains="local.test", local_recipient_maps="").start()
    rcpt(instance, "u@local.test")
    instance.wait_for_log(r"warning: do not list domain local.test in BOTH mydestination and virtual_mailbox_domains$")


def test_who_has_moved_gets_no_mail(make_instance):
    instance = make_instance(relocated_maps="inline:{ { gone@local.test = new@far.test } }").start()
    assert rcpt(instance, "gone@local.test") == (
        "550 5.1.6 <gone@local.test>: Recipient address rejected: User has moved to new@far.test")


@pytest.mark.parametrize("address, expected", [
    ("user@local.test", ("0", "local", "mail.local.test", "user@local.test")),
    ("user@far.test", ("4", "smtp", "far.test", "user@far.test")),
    ("user%far.test@local.test", ("4", "smtp", "far.test", "user@far.test")),
])
def test_trivial_rewrite_resolves(instance, address, expected):
    with IpcClient(instance.queue / "private" / "rewrite", "posthaste_rewrite") as client:
        reply = client.call({"command": 0, "sender": "a@local.test", "address": address})
    assert (reply["address_class"], reply["transport"], reply["nexthop"], reply["address"]) == expected


def test_trivial_rewrite_answers_many_requests_and_follows_a_reload(make_instance):
    instance = make_instance(append_dot_mydomain="yes").start()
    path = instance.queue / "private" / "rewrite"
    with IpcClient(path, "posthaste_rewrite") as client:
        assert client.call({"command": 1, "address": "user"})["address"] == "user@mail.local.test"
        assert client.call({"command": 1, "address": "user@host"})["address"] == "user@host.local.test"
        assert client.call({"command": 2, "address": "local.test"})["address_class"] == "0"
        assert client.call({"command": 3, "address": "nobody-here@local.test"})["known"] == "0"
        instance.configure(transport_maps="inline:{far.test=discard:}")
        instance.reload()
    for _ in range(100):
        with IpcClient(path, "posthaste_rewrite") as client:
            if client.call({"command": 0, "address": "u@far.test"})["transport"] == "discard":
                return
    raise AssertionError("the reload had no effect")


def test_a_recipient_whose_transport_is_retry_or_error_is_refused_at_once(make_instance):
    """As Postfix 3.7.11 answers."""
    instance = make_instance(transport_maps="inline:{{r.test=retry:4.1.2 later} {n.test=retry:no code} {p.test=retry:5.2.2 perm} "
                                            "{e.test=retry:} {er.test=error:4.7.1 not now}}").start()
    with instance.smtp() as client:
        client.mail("s@r.test")
        for domain, answer in {"r": "450 4.1.2 {}later", "n": "450 4.1.1 {}no code", "p": "450 4.2.2 {}perm",
                               "e": "450 4.1.1 {}Address is undeliverable", "er": "550 5.7.1 {}not now"}.items():
            text = f"<x@{domain}.test>: Recipient address rejected: "
            assert str(client.rcpt(f"x@{domain}.test")) == answer.format(text)
