"""Other transports and commands in the place of local mailboxes: mailbox_transport, fallback_transport, luser_relay,
mailbox_command_maps, require_home_directory, command_execution_directory, local_command_shell.

Which of them gets which name is in test/compat (scenarios local*).
"""
import re

from support.configuration import local_user
from support.scripted_server import ScriptedServer


def _send(instance, user, *options, sender="s@example.com"):
    with instance.smtp() as client:
        client.mail(sender)
        client.rcpt(f"{user}@local.test", *options)
        return re.search(r"queued as (\w+)", client.data(b"Subject: x\r\n\r\nx\r\n").text)[1]


def _store(server):
    return f"lmtp:inet:127.0.0.1:{server.port}"


def test_mailbox_transport_hands_mail_to_an_lmtp_store(make_instance):
    with ScriptedServer(extensions=["ENHANCEDSTATUSCODES"], lmtp=True) as server:
        instance = make_instance(local_recipient_maps="", mailbox_transport=_store(server)).start()
        queue_id = _send(instance, "nobodyhere")
        instance.wait_for_log(f"{queue_id}: removed")
        assert re.search(rf"postfix/lmtp\[\d+\]: {queue_id}: to=<nobodyhere@local.test>, relay=127.0.0.1\[127.0.0.1\]:{server.port}, "
                         r".*status=sent", instance.log())
        assert not re.search(rf"postfix/local\[\d+\]: {queue_id}", instance.log())
        assert any(command.startswith("RCPT TO:<nobodyhere@local.test>") for command in server.commands)


def test_what_the_store_refuses_is_returned(make_instance):
    refuse = {"RCPT": lambda line: "550 5.1.1 no such user"}
    with ScriptedServer(extensions=["ENHANCEDSTATUSCODES"], lmtp=True, replies=refuse) as server:
        instance = make_instance(local_recipient_maps="", mailbox_transport=_store(server),
                                 transport_maps="inline:{example.com=discard:}").start()
        queue_id = _send(instance, "nobodyhere")
        instance.wait_for_log(f"{queue_id}: removed")
        log = instance.log()
        assert re.search(rf"postfix/lmtp\[\d+\]: {queue_id}: .*dsn=5.1.1, status=bounced", log)
        assert re.search(rf"{queue_id}: sender non-delivery notification: ", log)
        assert len(re.findall(rf"{queue_id}: to=", log)) == 1


def test_what_the_store_puts_off_is_tried_again(make_instance):
    answers = ["451 4.2.0 later"]
    busy = {"RCPT": lambda line: answers.pop() if answers else None}
    with ScriptedServer(extensions=["ENHANCEDSTATUSCODES"], lmtp=True, replies=busy) as server:
        instance = make_instance(local_recipient_maps="", mailbox_transport=_store(server)).start()
        queue_id = _send(instance, "nobodyhere")
        instance.wait_for_log(rf"postfix/lmtp\[\d+\]: {queue_id}: .*dsn=4.2.0, status=deferred")
        instance.run("postqueue", "-i", queue_id)
        instance.wait_for_log(f"{queue_id}: removed")
        assert re.search(rf"postfix/lmtp\[\d+\]: {queue_id}: .*status=sent", instance.log())


def test_members_of_a_list_are_delivered_once_while_one_waits(make_instance):
    """The mailbox that was delivered to by a transport is not delivered to again with the one that is put off."""
    instance = make_instance(local_recipient_maps="", alias_maps="inline:{{list=one, two}}",
                             mailbox_transport_maps="inline:{{one=discard:one} {two=retry:4.2.1 rests}}").start()
    queue_id = _send(instance, "list")
    instance.wait_for_log(rf"{queue_id}: to=<two@.*status=deferred")
    instance.run("postqueue", "-i", queue_id)
    instance.wait_for_log(rf"{queue_id}: to=<two@.*status=deferred", count=2)
    assert len(re.findall(rf"{queue_id}: to=<one@", instance.log())) == 1


def test_transport_that_does_not_exist_puts_mail_off(make_instance):
    instance = make_instance(local_recipient_maps="", mailbox_transport="nosuch:").start()
    queue_id = _send(instance, "nobodyhere")
    line = instance.wait_for_log(rf"{queue_id}: to=<nobodyhere@.*$")[0]
    assert "relay=local" in line and "dsn=4.3.0, status=deferred (mail transport unavailable)" in line


def test_transports_that_hand_mail_to_each_other_end(make_instance):
    instance = make_instance(local_recipient_maps="", mailbox_transport="local:").start()
    queue_id = _send(instance, "nobodyhere")
    line = instance.wait_for_log(rf"{queue_id}: to=<nobodyhere@.*$")[0]
    assert "dsn=4.3.5, status=deferred (transports hand this mail to each other without end)" in line


def test_fallback_transport_gets_unknown_names_only(make_instance):
    instance = make_instance(local_recipient_maps="", fallback_transport="discard:fallback", mailbox_command="exit 0").start()
    unknown, known = _send(instance, "nobodyhere"), _send(instance, local_user())
    assert "status=sent (fallback)" in instance.wait_for_log(rf"{unknown}: to=.*$")[0]
    assert "status=sent (delivered to command: exit 0)" in instance.wait_for_log(rf"{known}: to=.*$")[0]


def test_luser_relay_forwards_unknown_names(make_instance):
    instance = make_instance(local_recipient_maps="", luser_relay="$user.$extension@far.test", recipient_delimiter="+",
                             transport_maps="inline:{far.test=discard:}").start()
    queue_id = _send(instance, "nobodyhere+ext")
    new = instance.wait_for_log(rf"{queue_id}: to=.*forwarded as (\w+)\)")[1]
    instance.wait_for_log(rf"{new}: to=<nobodyhere.ext@far.test>.*status=sent")


def test_luser_relay_that_names_nobody_returns_the_mail(make_instance):
    instance = make_instance(local_recipient_maps="", luser_relay="$user", transport_maps="inline:{example.com=discard:}").start()
    queue_id = _send(instance, "nobodyhere")
    assert 'dsn=5.1.1, status=bounced (unknown user: "nobodyhere")' in instance.wait_for_log(rf"{queue_id}: to=.*$")[0]


def test_mailbox_command_maps_come_before_mailbox_command(make_instance):
    instance = make_instance(mailbox_command_maps=f"inline:{{{{{local_user()}=echo of the table; exit 69}}}}",
                             mailbox_command="exit 0").start()
    queue_id = _send(instance, local_user())
    assert "Command output: of the table" in instance.wait_for_log(rf"{queue_id}: to=.*$")[0]


def test_command_execution_directory_is_filtered_and_used(make_instance):
    instance = make_instance(recipient_delimiter="+", mailbox_command="pwd; exit 69", execution_directory_expansion_filter="abc")
    (instance.directory / "d_a_").mkdir()
    (instance.directory / "d_a_").chmod(0o755)
    instance.configure(command_execution_directory=f"{instance.directory}/d$extension")
    instance.start()
    queue_id = _send(instance, f"{local_user()}+xay")
    assert f"Command output: {instance.directory}/d_a_" in instance.wait_for_log(rf"{queue_id}: to=.*$")[0]
    queue_id = _send(instance, f"{local_user()}+b")
    line = instance.wait_for_log(rf"{queue_id}: to=.*$")[0]
    assert "dsn=4.3.0, status=deferred" in line and "cannot change directory" in line


def test_local_command_shell_gets_every_command(make_instance):
    instance = make_instance(local_command_shell="/bin/echo -n -c", mailbox_command="exit 69").start()
    queue_id = _send(instance, local_user())
    assert "status=sent (delivered to command: exit 69)" in instance.wait_for_log(rf"{queue_id}: to=.*$")[0]


def test_forward_expansion_filter_keeps_paths_harmless(make_instance):
    instance = make_instance(recipient_delimiter="+", mailbox_command="exit 0", transport_maps="inline:{far.test=discard:}")
    forwards = instance.directory / "forwards"
    forwards.mkdir()
    forwards.chmod(0o755)
    (forwards / "a_b").write_text("x@far.test\n")
    instance.configure(forward_path=f"{forwards}/$extension", forward_expansion_filter="ab")
    instance.start()
    queue_id = _send(instance, f"{local_user()}+a/b")
    instance.wait_for_log(rf"{queue_id}: to=.*forwarded as")
