"""What is done to a message on its way into the queue: headers, aliases, limits."""
import pytest


@pytest.fixture
def make_relay(make_instance, sink):
    """An instance that sends everything but local mail to `sink`."""
    def make(**parameters):
        return make_instance(relayhost=f"[127.0.0.1]:{sink.port}", **parameters).start()
    return make


def test_a_remote_clients_header_stays_byte_for_byte(make_relay, sink):
    relay = make_relay(local_header_rewrite_clients="")
    message = b"Subject : odd\r\nTo: bob\r\nX-A:\tb\r\n  c\r\n\r\ntext\r\n"
    with relay.smtp() as client:
        client.deliver("ann@a.test", "bob@far.test", message)
    received = sink.wait_for(1)[0].content
    assert received.startswith(b"Received: from client.test ")
    assert received.endswith(b"\r\n" + message)
    relay.wait_for_log(r"cleanup\[\d+\]: \w+: message-id=<>$")


def test_a_local_clients_header_is_completed(make_relay, sink):
    relay = make_relay(local_header_rewrite_clients="permit_mynetworks", myorigin="origin.test")
    with relay.smtp() as client:
        client.deliver("ann", "bob@far.test", b"To: bob,\r\n \"C\" <cee> (x)\r\nBcc: dee\r\n\r\ntext\r\n")
    message = sink.wait_for(1)[0]
    assert message.sender == "ann@origin.test"
    assert b"\r\nTo: bob@origin.test,\r\n \"C\" <cee@origin.test> (x)\r\n" in message.content
    assert b"Bcc" not in message.content
    assert b"\r\nMessage-Id: <" in message.content
    assert b"\r\nDate: " in message.content
    assert message.content.endswith(b"\r\nFrom: ann@origin.test\r\n\r\ntext\r\n")


def test_client_and_message_id_lines_come_before_the_delivery(make_relay, sink):
    relay = make_relay()
    with relay.smtp() as client:
        queue_id = client.deliver("ann@a.test", "bob@far.test", b"Message-ID:\r\n <1@a.test>\r\n\r\ntext\r\n")
    relay.wait_for_log(rf"{queue_id}: removed")
    lines = [line.split("]: ", 1)[1] for line in relay.log().splitlines() if f"{queue_id}: " in line]
    assert lines[0].startswith(f"{queue_id}: client=")
    assert lines[1] == f"{queue_id}: message-id=<1@a.test>"
    assert lines[2].startswith(f"{queue_id}: from=<ann@a.test>, size=")
    sink.wait_for(1)


def test_aliases_expand_once_per_address(make_relay, sink):
    relay = make_relay(virtual_alias_maps="inline:{ {team@far.test=a@far.test, b@far.test} "
                                          "{all@far.test=team@far.test, b@far.test, @x.test} }")
    with relay.smtp() as client:
        client.deliver("ann@a.test", "all@far.test", b"\r\ntext\r\n")
    assert sorted(sink.wait_for(1)[0].recipients) == ["a@far.test", "all@x.test", "b@far.test"]
    relay.wait_for_log(r"to=<a@far\.test>, orig_to=<all@far\.test>, ")


def test_an_unreadable_alias_table_is_temporary(make_relay):
    relay = make_relay(virtual_alias_maps="texthash:/nonexistent/aliases", smtpd_reject_unlisted_recipient="no",
                       virtual_alias_domains="")
    with relay.smtp() as client:
        assert client.mail("ann@a.test").code == 250
        reply = client.rcpt("bob@far.test")
        if reply.code == 250:
            reply = client.data(b"\r\ntext\r\n")
    assert 400 <= reply.code < 500


def test_too_big_a_message_is_refused_and_the_session_goes_on(make_relay):
    relay = make_relay(message_size_limit=2000)
    with relay.smtp() as client:
        client.mail("ann@a.test"), client.rcpt("bob@far.test")
        assert client.data(b"\r\n" + 100 * (60 * b"x" + b"\r\n")) == (552, "5.3.4 Error: message file too big")
        client.deliver("ann@a.test", "bob@far.test", b"\r\nsmall\r\n")


def test_a_message_that_loops_is_refused(make_relay):
    relay = make_relay(hopcount_limit=5)
    with relay.smtp() as client:
        client.mail("ann@a.test"), client.rcpt("bob@far.test")
        assert client.data(6 * b"Received: x\r\n" + b"\r\ntext\r\n") == (554, "5.4.0 Error: too many hops")


def test_bare_line_ends_reach_nobody(make_relay, sink):
    relay = make_relay()
    with relay.smtp() as client:
        client.mail("ann@a.test"), client.rcpt("bob@far.test")
        assert client.command("DATA").code == 354
        client.send(b"Subject: s\r\n\r\nstray\rcr\r\nend\r\n.\r\n")
        assert client.reply().code == 250
    content = sink.wait_for(1)[0].content
    assert content.endswith(b"\r\nstray cr\r\nend\r\n")


def test_options_of_the_cleanup_service_count_not_those_of_smtpd(make_instance, sink):
    instance = make_instance(relayhost=f"[127.0.0.1]:{sink.port}", service_options={
        "cleanup/unix": {"always_bcc": "archive@far.test"}, "smtp/inet": {"always_bcc": "wrong@far.test"}}).start()
    with instance.smtp() as client:
        client.deliver("ann@a.test", "bob@far.test", b"\r\ntext\r\n")
    instance.wait_for_log("to=<archive@far.test>")
    instance.wait_for_log("to=<bob@far.test>")
    assert "wrong@far.test" not in instance.log()


@pytest.mark.parametrize("way", ["smtp", "sendmail"])
def test_a_large_message_comes_through_rewriting_whole(way, make_relay, sink):
    relay = make_relay(canonical_maps="unix:passwd.byname, inline:{ann@origin.test=a@new.test}", myorigin="origin.test",
                       masquerade_domains="far.test")
    body = b"".join(b"%07d: a line of the message\n" % number for number in range(60000))
    message = b"From: ann\nTo: bob@sub.far.test\n\n" + body
    if way == "smtp":
        with relay.smtp() as client:
            client.deliver("ann", "bob@sub.far.test", message)
    else:
        relay.sendmail("-f", "ann", "bob@sub.far.test", stdin=message)
    received = sink.wait_for(1)[0]
    assert (received.sender, received.recipients) == ("a@new.test", ("bob@sub.far.test",))
    header, _, content = received.content.partition(b"\r\n\r\n")
    assert b"\r\nFrom: a@new.test\r\nTo: bob@far.test\r\n" in header
    assert content == body.replace(b"\n", b"\r\n")


def test_mail_stays_in_maildrop_while_a_table_cannot_answer(make_relay, sink):
    relay = make_relay(canonical_maps="fail:broken")
    relay.sendmail("-f", "ann@a.test", "bob@far.test", stdin=b"Subject: s\n\ntext\n")
    relay.wait_for_log("warning: .*fail:broken")
    assert len(list((relay.queue / "maildrop").iterdir())) == 1
    relay.configure(canonical_maps="")
    relay.reload()
    assert sink.wait_for(1)[0].recipients == ("bob@far.test",)
