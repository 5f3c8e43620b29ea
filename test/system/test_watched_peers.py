"""Sessions that are logged word by word: hosts of debug_peer_list, and services with -v. What the lines look like is
compared with Postfix in test/compat (operations, watched-peers)."""
import re

from support.ports import free_port

MESSAGE = b"Subject: seen\r\n\r\nnot to be logged\r\n"


def said(instance, program):
    """The lines of the dialogue, as they stand behind the peer's name."""
    return re.findall(rf"/{program}\[\d+\]: ([<>] )\S+\[127\.0\.0\.\d\](?::\d+)?: (.*)", instance.log())


def deliver(instance, port=None):
    with instance.smtp(port=port) as client:
        client.deliver("a@example.com", "b@discard.test", MESSAGE)
    instance.wait_for_log("disconnect from")


def test_only_the_peers_of_debug_peer_list_are_logged(make_instance):
    instance = make_instance(debug_peer_list="127.0.0.2, !192.0.2.1", transport_maps="inline:{discard.test=discard:}")
    instance.start()
    deliver(instance)
    assert said(instance, "smtpd") == []
    instance.configure(debug_peer_list="192.0.2.0/24, localhost")
    instance.run("postfix", "-c", instance.config, "reload")
    deliver(instance)
    dialogue = said(instance, "smtpd")
    assert ("< ", "MAIL FROM:<a@example.com>") in dialogue
    assert ("> ", "354 End data with <CR><LF>.<CR><LF>") in dialogue
    assert "not to be logged" not in instance.log()


def test_a_service_with_v_logs_all_its_sessions(make_instance, sink):
    port = free_port()
    instance = make_instance(relayhost=f"[127.0.0.1]:{sink.port}",
                             master=f"127.0.0.1:{port} inet n - n - - smtpd -v\nrelay unix - - n - - smtp -v\n")
    instance.configure(default_transport="relay")
    instance.start()
    with instance.smtp(port=port) as client:
        client.deliver("a@example.com", "b@far.test", MESSAGE)
    instance.wait_for_log("status=sent")
    assert ("< ", "QUIT") in said(instance, "smtpd")
    dialogue = said(instance, "smtp")
    assert [line for direction, line in dialogue if direction == "> "][-1] in (".", "QUIT")
    assert ("> ", ".") in dialogue
    assert "not to be logged" not in instance.log()


def test_a_list_that_cannot_be_searched_is_told_and_the_mail_goes_on(make_instance):
    instance = make_instance(debug_peer_list="/no/such/file")
    instance.expect_problem("debug_peer_list: .*/no/such/file")
    instance.start()
    with instance.smtp() as client:
        client.deliver("a@example.com", "bin@local.test", MESSAGE)
    instance.wait_for_log(r"warning: debug_peer_list: ")
