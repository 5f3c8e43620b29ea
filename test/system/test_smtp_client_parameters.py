"""What changes with the parameters of smtp(8) and lmtp(8): one instance has a transport for each of SETTINGS
(support/clients.py).
"""
import re
import socket
import threading
import time

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from support.clients import BODY, DIALECTS, Clients
from support.ports import silent_port
from support.waiting import wait_until

SMTP = {
    "helo-timeout": {"smtp_helo_timeout": "1s"},
    "xforward-timeout": {"smtp_xforward_timeout": "1s", "smtp_send_xforward_command": True},
    "mail-timeout": {"smtp_mail_timeout": "1s"},
    "rcpt-timeout": {"smtp_rcpt_timeout": "1s"},
    "data-init-timeout": {"smtp_data_init_timeout": "1s"},
    "data-done-timeout": {"smtp_data_done_timeout": "1s"},
    "rset-timeout": {"smtp_rset_timeout": "1s", "smtp_connection_cache_destinations": "127.0.0.1",
                     "smtp_connection_cache_time_limit": "300s"},
    "data-xfer-timeout": {"smtp_data_xfer_timeout": "1s"},
    "quit-timeout": {"smtp_quit_timeout": "1s", "smtp_skip_quit_response": False},
    "skip-quit": {"smtp_skip_quit_response": False},
    "bind-v4": {"smtp_bind_address": "127.0.0.5"},
    "bind-v6": {"smtp_bind_address6": "2001:db8::9", "smtp_bind_address_enforce": True, "inet_protocols": "all"},
    "bind-enforce": {"smtp_bind_address": "192.0.2.9", "smtp_bind_address_enforce": True},
    "cache-destinations": {"smtp_connection_cache_destinations": "127.0.0.1"},
    "cache-on-demand": {"smtp_connection_cache_on_demand": False},
    "cache-time": {"smtp_connection_cache_destinations": "127.0.0.1", "smtp_connection_cache_time_limit": "300s"},
    "reuse-count": {"smtp_connection_cache_destinations": "127.0.0.1", "smtp_connection_reuse_count_limit": 2},
    "reuse-time": {"smtp_connection_cache_destinations": "127.0.0.1", "smtp_connection_cache_time_limit": "300s",
                   "smtp_connection_reuse_time_limit": "1s"},
    "one-session": {"smtp_mx_session_limit": 1},
    "native-hosts": {"smtp_host_lookup": "native"},
    "no-dns-support": {"smtp_dns_support_level": "disabled"},
    "unquoted": {"smtp_quote_rfc821_envelope": False},
    "helo-name": {"smtp_helo_name": "other.test"},
    "seldom-ehlo": {"smtp_always_send_ehlo": False},
    "never-ehlo": {"smtp_never_send_ehlo": True},
    "no-lookups": {"disable_dns_lookups": True},
    "mx-errors": {"ignore_mx_lookup_error": True, "dns_servers": "127.0.0.1:{port}"},
    "ports-by-name": {"known_tcp_ports": "letters={port}"},
}
LMTP = {
    "helo-timeout": {"lmtp_lhlo_timeout": "1s"},
    "xforward-timeout": {"lmtp_xforward_timeout": "1s", "lmtp_send_xforward_command": True},
    "mail-timeout": {"lmtp_mail_timeout": "1s"},
    "rcpt-timeout": {"lmtp_rcpt_timeout": "1s"},
    "data-init-timeout": {"lmtp_data_init_timeout": "1s"},
    "data-done-timeout": {"lmtp_data_done_timeout": "1s"},
    "rset-timeout": {"lmtp_rset_timeout": "1s", "lmtp_connection_cache_destinations": "127.0.0.1",
                     "lmtp_connection_cache_time_limit": "300s"},
    "data-xfer-timeout": {"lmtp_data_xfer_timeout": "1s"},
    "connect-timeout": {"lmtp_connect_timeout": "1s"},
    "quit-timeout": {"lmtp_quit_timeout": "1s"},
    "skip-quit": {"lmtp_skip_quit_response": True},
    "bind-v4": {"lmtp_bind_address": "127.0.0.5"},
    "bind-v6": {"lmtp_bind_address6": "2001:db8::9", "lmtp_bind_address_enforce": True, "inet_protocols": "all"},
    "bind-enforce": {"lmtp_bind_address": "192.0.2.9", "lmtp_bind_address_enforce": True},
    "cache-destinations": {"lmtp_connection_cache_destinations": "127.0.0.1"},
    "cache-on-demand": {"lmtp_connection_cache_on_demand": False},
    "cache-time": {"lmtp_connection_cache_destinations": "127.0.0.1", "lmtp_connection_cache_time_limit": "300s"},
    "reuse-count": {"lmtp_connection_cache_destinations": "127.0.0.1", "lmtp_connection_reuse_count_limit": 2},
    "reuse-time": {"lmtp_connection_cache_destinations": "127.0.0.1", "lmtp_connection_cache_time_limit": "300s",
                   "lmtp_connection_reuse_time_limit": "1s"},
    "one-session": {"lmtp_mx_session_limit": 1},
    "native-hosts": {"lmtp_host_lookup": "native"},
    "no-dns-support": {"lmtp_dns_support_level": "disabled"},
    "unquoted": {"lmtp_quote_rfc821_envelope": False},
    "short-lines": {"lmtp_line_length_limit": 100},
    "refusing": {"lmtp_skip_5xx_greeting": False},
    "without-size": {"lmtp_discard_lhlo_keywords": "size"},
    "without-size-there": {"lmtp_discard_lhlo_keyword_address_maps": "inline:{127.0.0.1=size}"},
    "fallback": {"lmtp_fallback_relay": "[127.0.0.1]:{port}"},
    "filtered": {"lmtp_delivery_status_filter": "static:{4.2.9 not today}"},
}
ROUTES = {"one-session": "two.client-hosts.test:{port}", "native-hosts": "only-dns.client-hosts.test:{port}",
          "no-dns-support": "only-dns.client-hosts.test:{port}", "no-lookups": "only-dns.client-hosts.test:{port}",
          "bind-v6": "[::1]:{port}", "fallback": "[127.0.0.1]:1", "mx-errors": "half.test:{port}",
          "ports-by-name": "[127.0.0.1]:letters"}
SETTINGS = {f"smtp-{name}": settings for name, settings in SMTP.items()} | {
    f"lmtp-{name}": settings for name, settings in LMTP.items()}
STALLS = {  # the setting: the reply that does not come, and what was waited for
    "helo-timeout": ("GREETING", "receiving the initial server greeting"),
    "xforward-timeout": ("XFORWARD", "sending XFORWARD name/address"), "mail-timeout": ("MAIL", "sending MAIL FROM"),
    "rcpt-timeout": ("RCPT", "sending RCPT TO"), "data-init-timeout": ("DATA", "sending DATA command"),
    "data-done-timeout": ("END", "sending end of data -- message may be sent more than once")}


@pytest.fixture(scope="module")
def clients(make_shared_instance, dns_server):
    dns_server.zone("client-hosts.test", "only-dns A 127.0.0.1\ntwo A 127.0.0.2\ntwo A 127.0.0.3")
    return Clients(make_shared_instance, SETTINGS, ROUTES)


@pytest.fixture(scope="module")
def stalled(clients):
    """{(dialect, setting): queue id}: all are sent at once, so that their time limits run at the same time."""
    servers, sent = [], {}
    for dialect in DIALECTS:
        for name, (key, _) in STALLS.items():
            server = clients.server(f"{dialect}-{name}", replies={key: lambda line: "silence"},
                                    extensions=["XFORWARD NAME ADDR PROTO HELO IDENT SOURCE"])
            servers.append(server.__enter__())
            sent[dialect, name] = clients.send(f"{dialect}-{name}")
    yield sent
    for server in servers:
        server.__exit__()


@pytest.fixture(scope="module")
def idle(clients):
    """{dialect: server} with a connection that has been idle for longer than connections are kept by default."""
    servers = {dialect: clients.server(f"{dialect}-cache-time").__enter__() for dialect in DIALECTS}
    for dialect in DIALECTS:
        clients.deliver(f"{dialect}-cache-time")
    begin = time.monotonic()
    yield servers, begin
    for server in servers.values():
        server.__exit__()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", STALLS)
def test_a_reply_is_waited_for_as_long_as_its_parameter_says(clients, stalled, idle, dialect, name):
    assert clients.line(stalled[dialect, name]).endswith(
        f"status=deferred (conversation with 127.0.0.1[127.0.0.1] timed out while {STALLS[name][1]})")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_rset_timeout_bounds_the_wait_before_a_kept_connection_is_used(clients, dialect):
    name = f"{dialect}-rset-timeout"
    replies = {"RCPT": ["550 5.1.1 no"], "RSET": lambda line: "silence"}
    with clients.server(name, replies=replies):
        assert "status=bounced" in clients.deliver(name)
        assert clients.deliver(name).endswith("timed out while sending RSET)")


def serve_without_taking_content(listener, tested):
    """One session; what comes behind DATA stays where it is until the test is over."""
    replies = {b"LHLO": b"250 x\r\n", b"EHLO": b"250 x\r\n", b"DATA": b"354 go on\r\n"}
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as lines:
        connection.sendall(b"220 x\r\n")
        verb = b""
        while verb != b"DATA":
            verb = lines.readline()[:4]
            connection.sendall(replies.get(verb, b"250 ok\r\n"))
        tested.wait(60)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_data_xfer_timeout_bounds_the_wait_for_a_server_that_takes_nothing(clients, dialect):
    name = f"{dialect}-data-xfer-timeout"
    tested = threading.Event()
    with socket.create_server(("127.0.0.1", clients.ports[name])) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        threading.Thread(target=serve_without_taking_content, args=(listener, tested), daemon=True).start()
        try:
            line = clients.deliver(name, body=BODY + 9000 * (b"0123456789" * 97 + b"\r\n"))
        finally:
            tested.set()
    assert line.endswith("timed out while sending message body)")


def test_lmtp_connect_timeout_bounds_the_wait_for_a_connection(clients):
    with silent_port(clients.ports["lmtp-connect-timeout"]) as port:
        line = clients.deliver("lmtp-connect-timeout")
    assert line.endswith(f"(connect to 127.0.0.1[127.0.0.1]:{port}: Connection timed out)")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_quit_timeout_bounds_the_wait_for_the_last_reply(clients, dialect):
    name = f"{dialect}-quit-timeout"
    with clients.server(name, replies={"QUIT": lambda line: "silence"}) as server:
        assert "status=sent" in clients.deliver(name)
        wait_until(lambda: server.ended, "the end of the session")


def test_the_reply_to_quit_is_waited_for_unless_it_is_skipped(clients):
    with clients.server("smtp-skip-quit", replies={"QUIT": lambda line: "silence"}) as waiting, \
         clients.server("lmtp-skip-quit", replies={"QUIT": lambda line: "silence"}) as leaving:
        for dialect in DIALECTS:
            assert "status=sent" in clients.deliver(f"{dialect}-skip-quit")
        wait_until(lambda: leaving.ended, "the end of the session")
        wait_until(lambda: waiting.commands[-1] == "QUIT", "QUIT")
        time.sleep(0.3)
        assert not waiting.ended


@pytest.mark.parametrize("dialect", DIALECTS)
def test_bind_address_is_where_connections_come_from(clients, dialect):
    with clients.server(f"{dialect}-bind-v4") as server:
        assert "status=sent" in clients.deliver(f"{dialect}-bind-v4")
        assert server.peers == ["127.0.0.5"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["bind-v6", "bind-enforce"])
def test_bind_address_enforce_keeps_mail_that_would_come_from_elsewhere(clients, dialect, name):
    """The address to bind to is not this machine's."""
    with clients.server(f"{dialect}-{name}") as server:
        assert "Cannot assign requested address" in clients.deliver(f"{dialect}-{name}")
        assert server.sessions == 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_connection_cache_destinations_keeps_a_connection_for_little_mail(clients, dialect):
    with clients.server(f"{dialect}-cache-destinations") as server:
        clients.deliver(f"{dialect}-cache-destinations")
        assert "conn_use=2" in clients.deliver(f"{dialect}-cache-destinations")
        assert server.sessions == 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_connection_cache_on_demand_can_be_switched_off(clients, dialect):
    with clients.server(f"{dialect}-cache-on-demand") as server:
        lines = [clients.deliver(f"{dialect}-cache-on-demand") for _ in range(4)]
        assert server.sessions == len(lines)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_connection_reuse_count_limit_ends_a_connection(clients, dialect):
    with clients.server(f"{dialect}-reuse-count") as server:
        for _ in range(3):
            clients.deliver(f"{dialect}-reuse-count")
        assert server.sessions == 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_connection_reuse_time_limit_ends_a_connection(clients, dialect):
    with clients.server(f"{dialect}-reuse-time") as server:
        clients.deliver(f"{dialect}-reuse-time")
        time.sleep(1.1)
        clients.deliver(f"{dialect}-reuse-time")
        assert server.sessions == 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_mx_session_limit_is_how_many_servers_are_asked(clients, dialect):
    """Both servers let the client in and put the mail off."""
    name = f"{dialect}-one-session"
    busy = {"MAIL": lambda line: "451 4.3.0 busy"}
    with clients.server(name, address="127.0.0.2", replies=busy) as first, \
         clients.server(name, address="127.0.0.3", replies=busy) as second:
        assert "status=deferred" in clients.deliver(name)
        assert first.sessions + second.sessions == 1


@pytest.mark.parametrize("name", ["smtp-native-hosts", "lmtp-native-hosts", "smtp-no-dns-support",
                                  "lmtp-no-dns-support", "smtp-no-lookups"])
def test_dns_is_not_asked_where_it_is_switched_off(clients, name):
    """The server's name stands in DNS only."""
    with clients.server(name) as server:
        assert re.search("unable to look up host|Host or domain name not found", clients.deliver(name))
        assert server.sessions == 0


def serve_addresses_only(server):
    """A name server that has the address of every name, and fails when it is asked for anything else."""
    while True:
        try:
            packet, client = server.recvfrom(4096)
        except OSError:
            return
        query = dns.message.from_wire(packet)
        [question] = query.question
        answer = dns.message.make_response(query, recursion_available=True)
        if question.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", "127.0.0.1"))
        else:
            answer.set_rcode(dns.rcode.SERVFAIL)
        server.sendto(answer.to_wire(), client)


def test_ignore_mx_lookup_error_takes_the_domain_for_its_own_exchanger(clients):
    with socket.socket(type=socket.SOCK_DGRAM) as server, clients.server("smtp-mx-errors"):
        server.bind(("127.0.0.1", clients.ports["smtp-mx-errors"]))
        threading.Thread(target=serve_addresses_only, args=(server,), daemon=True).start()
        line = clients.deliver("smtp-mx-errors")
        assert "relay=half.test[127.0.0.1]" in line and "status=sent" in line


@pytest.mark.parametrize("dialect", DIALECTS)
def test_quote_rfc821_envelope_off_sends_local_parts_as_they_are(clients, dialect):
    with clients.server(f"{dialect}-unquoted") as server:
        clients.deliver(f"{dialect}-unquoted", user='"x y"')
        assert server.transactions[0].rcpts == (f"RCPT TO:<x y@{dialect}-unquoted.test>",)


@pytest.mark.parametrize("name, greeting, hello", [
    ("smtp-helo-name", "220 old.test ESMTP", "EHLO other.test"),
    ("smtp-seldom-ehlo", "220 old.test", "HELO mail.local.test"),
    ("smtp-never-ehlo", "220 old.test ESMTP", "HELO mail.local.test")])
def test_the_client_says_hello_as_it_is_told(clients, name, greeting, hello):
    with clients.server(name, replies={"GREETING": lambda line: greeting}) as server:
        clients.deliver(name)
        assert server.commands[0] == hello


def test_known_tcp_ports_gives_ports_names(clients):
    with clients.server("smtp-ports-by-name"):
        assert "status=sent" in clients.deliver("smtp-ports-by-name")


def test_lmtp_line_length_limit_breaks_lines(clients):
    with clients.server("lmtp-short-lines") as server:
        clients.deliver("lmtp-short-lines", body=b"Subject: x\r\n\r\n" + b"z" * 150 + b"\r\n")
        assert all(len(line) <= 100 for line in server.transactions[0].content.split(b"\r\n"))


def test_lmtp_skip_5xx_greeting_off_returns_the_mail(clients):
    with clients.server("lmtp-refusing", replies={"GREETING": lambda line: "554 5.7.1 go away"}):
        assert "dsn=5.7.1, status=bounced" in clients.deliver("lmtp-refusing")


@pytest.mark.parametrize("name", ["lmtp-without-size", "lmtp-without-size-there"])
def test_lmtp_discarded_keywords_count_as_not_offered(clients, name):
    with clients.server(name, extensions=["SIZE 100000"]) as server:
        clients.deliver(name)
        assert server.transactions[0].mail == "MAIL FROM:<>"


def test_lmtp_fallback_relay_is_used_when_the_store_is_down(clients):
    with clients.server("lmtp-fallback") as server:
        assert "status=sent" in clients.deliver("lmtp-fallback")
        assert len(server.transactions) == 1


def test_lmtp_delivery_status_filter_replaces_what_became_of_a_delivery(clients):
    with clients.server("lmtp-filtered", replies={"RCPT": lambda line: "550 5.1.1 no"}):
        assert clients.deliver("lmtp-filtered").endswith("dsn=4.2.9, status=deferred (not today)")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_connection_cache_time_limit_is_how_long_an_idle_connection_is_kept(clients, idle, dialect):
    servers, begin = idle
    time.sleep(max(0, begin + 3 - time.monotonic()))
    assert "conn_use=2" in clients.deliver(f"{dialect}-cache-time")
    assert servers[dialect].sessions == 1
