"""Lists with an owner, members that are handed on in a new message, and what becomes of a list when one of its members
fails (local(8), aliases(5)). The expected values are what Postfix 3.7.11 does, unless a test says otherwise.
"""
import re

import pytest

from support.configuration import local_user
from support.local_lists import LocalLists
from support.waiting import wait_until

_FAR = "inline:{far.test=discard:}"


@pytest.fixture
def lists(make_instance):
    return lambda aliases, forwards=None, **parameters: LocalLists(
        make_instance(**({"transport_maps": _FAR} | parameters)), aliases, forwards or {})


def _send(local, user, sender="s@example.com", subject=b"list"):
    with local.instance.smtp() as client:
        return client.deliver(sender, f"{user}@local.test", b"Subject: " + subject + b"\r\n\r\nx\r\n")


def _forwarded(local, queue_id):
    """The queue ids of the new messages that a message became."""
    return re.findall(rf"{queue_id}: to=.*status=sent \(forwarded as (\w+)\)", local.instance.log())


def _attempts(local, queue_id, count):
    """Waits until the message has been tried that often."""
    for number in range(1, count + 1):
        wait_until(lambda: _tried(local, queue_id) >= number or number > 1 and _try_again(local, queue_id),
                   lambda: f"attempt {number}; log:\n{local.instance.log()[-3000:]}", interval=0.3)


def _tried(local, queue_id):
    return len(re.findall(rf"{queue_id}: to=.*status=deferred", local.instance.log()))


def _try_again(local, queue_id):
    """No effect while the message is under delivery."""
    local.instance.run("postqueue", "-i", queue_id)


def _finish(local, queue_id):
    (local.instance.directory / "ready").touch()
    wait_until(lambda: f"{queue_id}: removed" in local.instance.log() or _try_again(local, queue_id),
               lambda: f"the end of {queue_id}; log:\n{local.instance.log()[-3000:]}", interval=0.3)


def test_members_of_a_list_with_an_owner_get_a_new_message_from_the_owner(lists):
    me = local_user()
    local = lists(f"list: {me}, far@far.test, {{show}}\nowner-list: {me}\n")
    queue_id = _send(local, "list")
    local.instance.wait_for_log(f"{queue_id}: removed")
    [new] = _forwarded(local, queue_id)
    local.instance.wait_for_log(f"{new}: removed")
    log = local.instance.log()
    assert re.search(rf"{new}: from=<owner-list@mail.local.test>, .*nrcpt=2", log)
    assert re.search(rf"{new}: to=<{me}@mail.local.test>, relay=local", log), "no orig_to="
    assert re.search(rf"{queue_id}: to=<list@local.test>, .*\(delivered to command", log)
    shown = local.shown()
    assert shown["SENDER"] == "owner-list@mail.local.test"
    assert shown["Return-Path"] == "<owner-list@mail.local.test>"
    assert "ORIGINAL_RECIPIENT" not in shown and "X-Original-To" not in shown
    headers = local.instance.mailbox().decode()
    assert f"X-Original-To: {me}@mail.local.test\nDelivered-To: {me}@mail.local.test\n" in headers
    assert "Delivered-To: list@local.test\n" in headers


def test_a_member_of_a_list_that_fails_is_the_owners_to_hear_of(lists):
    me = local_user()
    local = lists(f'list: nobody-here, "|exit 67"\nowner-list: {me}\n')
    queue_id = _send(local, "list")
    local.instance.wait_for_log(rf"{queue_id}: to=<list@local.test>, relay=local, .*dsn=5.1.1, status=bounced")
    [new] = _forwarded(local, queue_id)
    local.instance.wait_for_log(rf"{new}: to=<nobody-here@mail.local.test>, relay=local, .*status=bounced")
    wait_until(lambda: local.instance.mailbox().count(b"Undelivered Mail Returned") == 2, "two notifications")
    local.instance.wait_until_queue_empty()
    assert "s@example.com>, relay" not in local.instance.log(), "the sender hears nothing"


def test_mail_of_the_null_sender_to_a_list_gets_the_owner_as_sender(lists):
    local = lists(f"list: {local_user()}\nowner-list: {local_user()}\n")
    queue_id = _send(local, "list", sender="")
    local.instance.wait_for_log(f"{queue_id}: removed")
    local.instance.wait_for_log("from=<owner-list@mail.local.test>")


def test_aliases_within_a_list_with_an_owner_are_expanded_on_the_spot(lists):
    me = local_user()
    local = lists(f"outer: inner, far@far.test\nowner-outer: {me}\n"
                  f"inner: {{show}}, two@far.test\nowner-inner: {me}\n")
    queue_id = _send(local, "outer")
    local.instance.wait_for_log(f"{queue_id}: removed")
    inner, outer = _forwarded(local, queue_id)
    local.instance.wait_for_log(rf"{inner}: from=<owner-inner@mail.local.test>")
    local.instance.wait_for_log(rf"{outer}: from=<owner-outer@mail.local.test>")
    shown = local.shown()
    assert [shown[name] for name in ("RECIPIENT", "SENDER", "USER", "Delivered-To")] == [
        "inner@mail.local.test", "owner-inner@mail.local.test", "inner", "outer@local.test"]


def test_an_alias_without_owner_within_a_list_keeps_the_lists_owner(lists):
    me = local_user()
    local = lists(f"outer: inner\nowner-outer: {me}\ninner: {me}\n")
    queue_id = _send(local, "outer")
    local.instance.wait_for_log(f"{queue_id}: removed")
    assert len(_forwarded(local, queue_id)) == 1
    local.instance.configure(reset_owner_alias="yes")
    local.instance.reload()
    queue_id = _send(local, "outer")
    local.instance.wait_for_log(rf"{queue_id}: to=<{me}@mail.local.test>, relay=local, .*delivered to mailbox")
    wait_until(lambda: local.instance.mailbox().count(b"Return-Path: <owner-outer@mail.local.test>") == 2, "both")


def test_expand_owner_alias_takes_the_address_that_the_owner_stands_for(lists):
    me = local_user()
    local = lists(f"one: far@far.test\nowner-one: {me}\ntwo: far@far.test\nowner-two: {me}, far@far.test\n",
                  expand_owner_alias="yes")
    _send(local, "one")
    local.instance.wait_for_log(f"from=<{me}@mail.local.test>")
    _send(local, "two")                              # Postfix makes one address of both
    local.instance.wait_for_log("from=<owner-two@mail.local.test>")


def test_owner_request_special_decides_whether_owner_names_count(lists):
    me = local_user()
    aliases = f"list: {me}, {{show}}\nowner-list: {me}\nlist-request: {{show}}\n"
    local = lists(aliases, recipient_delimiter="-", owner_request_special="no")
    assert len(local.deliver("list")) == 2
    assert local.shown()["SENDER"] == "s@example.com"
    local.deliver("list-request")
    assert (local.shown()["USER"], local.shown()["EXTENSION"]) == ("list", "request")
    local.instance.configure(owner_request_special="yes")
    local.instance.reload()
    local.out.write_text("")
    local.deliver("list-request")
    assert local.shown()["USER"] == "list-request" and "EXTENSION" not in local.shown()


def test_members_that_were_delivered_are_not_repeated(lists):
    """Postfix delivers to the mailbox with every attempt."""
    me = local_user()
    local = lists(f'list: {me}, {{command}}, far@far.test, "|exit 75"\n')
    queue_id = _send(local, "list")
    _attempts(local, queue_id, 4)
    assert local.instance.mailbox().count(b"Subject: list") == 1
    assert len(local.ran_as()) == 1
    assert local.instance.log().count("delivered to mailbox") == 1
    assert not _forwarded(local, queue_id), "what is handed on waits until nothing else is put off"


def test_a_list_is_finished_when_its_last_member_is(lists):
    me = local_user()
    local = lists(f'list: {me}, far@far.test, "|test -e {{dir}}/ready || exit 75"\n')
    queue_id = _send(local, "list")
    _attempts(local, queue_id, 2)
    _finish(local, queue_id)
    assert len(_forwarded(local, queue_id)) == 1
    assert local.instance.mailbox().count(b"Subject: list") == 1


def test_a_failed_member_is_reported_although_another_was_put_off_at_first(lists):
    me = local_user()
    local = lists(f'list: nobody-here, "|exit 67", "|test -e {{dir}}/ready || exit 75"\n')
    queue_id = _send(local, "list", sender=f"{me}@local.test")
    _attempts(local, queue_id, 2)
    _finish(local, queue_id)
    report = local.instance.wait_for_mailbox(b"Undelivered Mail Returned")
    assert re.findall(rb"^Final-Recipient: rfc822; (.*)", report, re.M) == [b"nobody-here@mail.local.test",
                                                                          b"list@local.test"]
    assert local.instance.log().count("status=bounced") == 2


def test_an_agent_that_dies_loses_no_member(lists):
    """Its memory is lost with it: the others get the mail again, once."""
    me = local_user()
    local = lists(f'list: {me}, far@far.test, "|test -e {{dir}}/ready || exit 75"\n')
    queue_id = _send(local, "list")
    _attempts(local, queue_id, 1)
    local.instance.kill("local")
    _finish(local, queue_id)
    assert len(_forwarded(local, queue_id)) == 1
    assert local.instance.mailbox().count(b"Subject: list") == 2


def test_new_messages_that_were_made_are_known_at_the_next_attempt(lists):
    """The inner list's message is made, the outer's is refused; then the outer list has no member of its own left."""
    me = local_user()
    local = lists(f"outer: inner, many@far.test\nowner-outer: {me}\ninner: far@far.test\nowner-inner: {me}\n",
                  virtual_alias_maps="inline:{{many@far.test=a@far.test, b@far.test}}",
                  virtual_alias_expansion_limit=1)
    queue_id = _send(local, "outer")
    _attempts(local, queue_id, 1)
    assert len(_forwarded(local, queue_id)) == 1
    local.instance.aliases(f"outer: inner\nowner-outer: {me}\ninner: far@far.test\nowner-inner: {me}\n")
    _finish(local, queue_id)
    assert len(_forwarded(local, queue_id)) == 1


def test_commands_know_the_member_and_not_the_list(lists):
    local = lists("outer: inner\ninner: {show}\n")
    local.deliver("outer")
    shown = local.shown()
    assert [shown[name] for name in ("RECIPIENT", "LOCAL", "USER", "ORIGINAL_RECIPIENT", "Delivered-To")] == [
        "inner@mail.local.test", "inner", "inner", "outer@local.test", "outer@local.test"]


def test_delivered_to_is_the_member_if_it_is_not_frozen(lists):
    local = lists("outer: inner\ninner: {show}\n", frozen_delivered_to="no")
    local.deliver("outer")
    assert local.shown()["Delivered-To"] == "inner@mail.local.test"


def test_prepend_delivered_header_names_where_delivered_to_is_added(lists):
    me = local_user()
    local = lists(f"list: {me}, {{show}}\n", prepend_delivered_header="file")
    local.deliver("list")
    assert "Delivered-To" not in local.shown()
    assert b"Delivered-To: list@local.test" in local.instance.mailbox()


def test_a_member_that_the_mail_was_delivered_to_is_a_loop(lists):
    me = local_user()
    local = lists(f"list: {me}, {{command}}\n")
    with local.instance.smtp() as client:
        client.deliver("s@example.com", "list@local.test", f"Delivered-To: {me}@mail.local.test\r\n\r\nx\r\n".encode())
    local.instance.wait_for_log(rf"to=<{me}@mail.local.test>, orig_to=<list@local.test>, .*dsn=5.4.6, "
                                rf"status=bounced \(mail forwarding loop for {me}@mail.local.test\)")
    assert len(local.ran_as()) == 1 and not local.instance.mailbox()


def test_unmatched_extensions_are_propagated_where_it_is_asked_for(lists):
    local = lists("list: far@far.test, :include:{dir}/members\n", recipient_delimiter="+",
                  propagate_unmatched_extensions="alias")
    (local.instance.directory / "members").write_text("two@far.test\n")
    _send(local, "list+one")
    local.instance.wait_for_log(r"to=<far\+one@far.test>")
    local.instance.wait_for_log(r"to=<two@far.test>")
    local.instance.configure(propagate_unmatched_extensions="include")
    local.instance.reload()
    _send(local, "list+one")
    local.instance.wait_for_log(r"to=<two\+one@far.test>")
    local.instance.wait_for_log(r"to=<far@far.test>")


def test_members_that_are_no_addresses_bounce(lists):
    local = lists("list: u@[127.0.0.1:1], x@127.0.0.1, -c\n")
    _send(local, "list")
    for address in (r"u@\[127.0.0.1:1\]", "x@127.0.0.1", "-c"):
        local.instance.wait_for_log(rf"to=<list@local.test>, .*dsn=5.1.3, status=bounced \(bad recipient address syntax: "
                                    rf"{address}")


def test_a_command_that_leaves_its_output_open_is_stopped_and_fails(lists):
    local = lists('list: "|sleep 600 & echo started; exit 0"\n', command_time_limit="2s")
    _send(local, "list")
    local.instance.wait_for_log(r"dsn=5.3.0, status=bounced \(Command time limit exceeded: .*Command output: started\)")


def test_a_command_that_is_killed_is_tried_again(lists):
    local = lists('list: "|echo some words; kill -9 $$"\n')
    _send(local, "list")
    local.instance.wait_for_log(r"dsn=4.3.0, status=deferred \(Command died with signal 9: .*Command output: some words")


@pytest.mark.parametrize("name", ["postmaster", "mailer-daemon"])
def test_mail_to_the_mail_system_without_an_alias_is_discarded(lists, name):
    local = lists("x: y\n", local_recipient_maps="")
    assert local.deliver(name) == ["sent (discarded)"]
    assert f"warning: required alias not found: {name}" in local.instance.log()


def test_a_file_in_a_directory_that_is_missing_is_put_off(lists):
    """Postfix returns the mail with 5.2.0."""
    local = lists("list: {dir}/missing/file\n")
    queue_id = _send(local, "list")
    local.instance.wait_for_log(rf"{queue_id}: to=<list@local.test>, .*dsn=4.2.0, status=deferred \(cannot update mailbox")


def test_success_that_a_sender_asks_for_is_that_an_alias_was_expanded(lists):
    me = local_user()
    local = lists(f"list: far@far.test\nowned: far@far.test\nowner-owned: {me}\n")
    for name, action in [("list", b"expanded"), ("owned", b"delivered")]:
        with local.instance.smtp() as client:
            client.command(f"MAIL FROM:<{me}@local.test>")
            client.command(f"RCPT TO:<{name}@local.test> NOTIFY=SUCCESS,FAILURE")
            client.data(b"Subject: x\r\n\r\nx\r\n")
        report = local.instance.wait_for_mailbox(f"Final-Recipient: rfc822; {name}@local.test".encode())
        assert b"Action: " + action in report and b"alias expanded" in report
    local.instance.wait_until_queue_empty()
    assert local.instance.mailbox().count(b"Successful Mail Delivery Report") == 2


@pytest.mark.needs_root
def test_users_in_a_forward_file_get_a_new_message(lists):
    local = lists("team: {show}\n", {"games": "games, man, team, far@far.test\n"})
    queue_id = _send(local, "games")
    local.instance.wait_for_log(f"{queue_id}: removed")
    [new] = _forwarded(local, queue_id)
    local.instance.wait_for_log(f"{new}: removed")
    log = local.instance.log()
    assert re.search(rf"{new}: from=<s@example.com>, .*nrcpt=2", log)
    assert re.search(rf"{new}: to=<man@mail.local.test>, orig_to=<games@local.test>, .*delivered to mailbox", log)
    assert re.search(rf"{queue_id}: to=<games@mail.local.test>, .*delivered to mailbox", log)
    assert local.shown()["RECIPIENT"] == "team@mail.local.test"
    headers = local.instance.mailbox("man").decode()
    assert re.search("X-Original-To: games@local.test\nDelivered-To: man@mail.local.test\nReceived: (.*\n\t)*.*\n"
                     "Delivered-To: games@local.test\n", headers)
