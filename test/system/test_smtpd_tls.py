"""STARTTLS and TLS from the first byte: who gets it and when, what it does to the session, and clients of all kinds of
behaviour. One instance has a port for each of SETTINGS, and logs as postfix/NAME/smtpd there.
"""
import random
import socket
import ssl
import subprocess
import threading
import time

import pytest

from support.smtp_client import Disconnected
from support.tls import RecordClient, TlsServices, client_context
from support.waiting import wait_until

MAY = {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": "PKI/rsa.crt", "smtpd_tls_key_file": "PKI/rsa.key",
       "smtpd_tls_loglevel": 1}
RSA = {name: value for name, value in MAY.items() if name != "smtpd_tls_security_level"}
CLIENT = r"localhost\[127\.0\.0\.1\]"
STRANGER = {"mynetworks": "192.0.2.0/24", "smtpd_client_event_limit_exceptions": ""}

SETTINGS = {
    "none": RSA | {"smtpd_tls_security_level": "none"},
    "may": MAY,
    "encrypt": MAY | {"smtpd_tls_security_level": "encrypt"},
    "use": RSA | {"smtpd_use_tls": True},
    "enforce": RSA | {"smtpd_enforce_tls": True},
    "wrapper": RSA | {"smtpd_tls_wrappermode": True, "smtpd_starttls_timeout": "1s"},
    "impatient": MAY | {"smtpd_starttls_timeout": "1s"},
    "short": MAY | {"smtpd_timeout": "1s", "smtpd_junk_command_limit": 10_000_000},
    "silent-log": MAY | {"smtpd_tls_loglevel": 0},
    "verbose-log": MAY | {"smtpd_tls_loglevel": 2},
    "header": MAY | {"smtpd_tls_received_header": True},
    "rate": MAY | STRANGER | {"smtpd_client_new_tls_session_rate_limit": 2},
    "rate-ours": MAY | {"smtpd_client_new_tls_session_rate_limit": 1},
    "slow-end": MAY | {"tls_fast_shutdown_enable": False, "smtpd_starttls_timeout": "2s"},
    "encrypted-only": MAY | {"smtpd_client_restrictions": "reject_plaintext_session", "plaintext_reject_code": 550},
    "pipelining": MAY | {"smtpd_forbid_unauth_pipelining": False,
                         "smtpd_recipient_restrictions": "reject_unauth_pipelining, permit_mynetworks, reject"},
    "forgiving": MAY | {"smtpd_forbid_unauth_pipelining": False},
}


@pytest.fixture(scope="module")
def services(make_shared_instance):
    return TlsServices(make_shared_instance, SETTINGS, smtpd_error_sleep_time="0").start()


def starttls(services, name, **options):
    """A client to which the server has said 220 to STARTTLS; its next bytes are its own."""
    client = services.client(name, starttls=False, **options)
    assert client.command("STARTTLS") == (220, "2.0.0 Ready to start TLS")
    return client


# --- who is offered TLS, and who must take it

@pytest.mark.parametrize("name, offered, demanded", [
    ("none", False, False), ("may", True, False), ("encrypt", True, True), ("use", True, False), ("enforce", True, True)])
def test_starttls_is_offered_and_demanded_as_the_level_says(services, name, offered, demanded):
    with services.client(name, starttls=False) as client:
        assert ("STARTTLS" in client.extensions) == offered
        reply = client.mail("a@example.com")
        assert reply == ((530, "5.7.0 Must issue a STARTTLS command first") if demanded else (250, "2.1.0 Ok"))
        if not offered:
            assert client.command("STARTTLS") == (502, "5.5.1 Error: command not implemented")
            return
        client.starttls()
        client.ehlo()
        assert "STARTTLS" not in client.extensions
        assert client.mail("a@example.com").code == 250


def test_keywords_are_the_same_inside_but_for_starttls(services):
    with services.client("may", starttls=False) as client:
        outside = client.extensions
        assert outside[outside.index("STARTTLS") - 1] == "ETRN"
        client.starttls()
        client.ehlo()
        assert client.extensions == [keyword for keyword in outside if keyword != "STARTTLS"]


def test_wrappermode_greets_inside_of_tls(services):
    with services.client("wrapper") as client:
        assert client.banner.code == 220
        assert "STARTTLS" not in client.extensions
        assert client.command("STARTTLS") == (554, "5.5.1 Error: TLS already active")
        client.deliver("a@example.com", f"{services.instance.user}@local.test", b"Subject: wrapped\r\n\r\ntext\r\n")


def test_plain_client_of_wrappermode_gets_nothing_and_is_disconnected(services):
    client = services.plain("wrapper", ehlo=None)
    assert client.at_end()
    services.wait_for_log("wrapper", rf"^SSL_accept error from {CLIENT}: Connection timed out$")
    services.wait_for_log("wrapper", rf"^lost connection after CONNECT from {CLIENT}$")


def test_plaintext_sessions_are_rejected_with_the_code_of_choice(services):
    with services.client("encrypted-only", starttls=False) as client:
        client.mail("a@example.com")
        assert client.rcpt(f"{services.instance.user}@local.test") == (550, "5.7.1 Session encryption is required")
        client.starttls()
        client.ehlo()
        client.mail("a@example.com")
        assert client.rcpt(f"{services.instance.user}@local.test").code == 250


# --- what STARTTLS does to the session

def test_what_was_said_before_is_forgotten(services):
    with services.client("may", starttls=False) as client:
        client.mail("a@example.com")
        client.rcpt(f"{services.instance.user}@local.test")
        client.starttls()
        assert client.command("DATA").code == 503
        assert client.rcpt(f"{services.instance.user}@local.test") == (503, "5.5.1 Error: need MAIL command")


def test_starttls_again_or_with_an_argument_is_refused(services):
    with services.client("may", starttls=False) as client:
        assert client.command("STARTTLS please") == (501, "5.5.4 Syntax: STARTTLS")
        client.starttls()
        assert client.command("STARTTLS") == (554, "5.5.1 Error: TLS already active")
        client.ehlo()
        assert client.mail("a@example.com").code == 250


@pytest.mark.parametrize("name", ["may", "forgiving"])
def test_commands_in_plain_text_behind_starttls_are_never_taken_for_encrypted_ones(services, name):
    """CVE-2011-0411; STARTTLS is no matter of smtpd_forbid_unauth_pipelining."""
    with services.client(name, starttls=False) as client:
        client.send(b"STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<bin@local.test>\r\n")
        assert client.reply().code == 220
        client.handshake()
        assert client.command("DATA").code == 503
        client.ehlo()
        assert client.mail("a@example.com") == (250, "2.1.0 Ok"), "not a nested MAIL"


def test_received_header_tells_of_tls_if_asked(services):
    for name, lines in [("header", 2), ("may", 0)]:
        with services.client(name) as client:
            client.deliver("a@example.com", f"{services.instance.user}@local.test", f"Subject: {name}-x\n\nx\n".encode())
        text = services.instance.wait_for_mailbox(f"Subject: {name}-x\n".encode()).decode()
        message = next(part for part in text.split("\nFrom ") if f"Subject: {name}-x\n" in part)
        assert message.count("(using TLSv1.3 with cipher ") + message.count("(No client certificate requested)\n") == lines
        assert " with ESMTPS id " in message


def test_log_of_a_session_grows_with_the_loglevel(services):
    for name in ("silent-log", "may", "verbose-log"):
        with services.client(name):
            pass
        services.wait_for_log(name, rf"^disconnect from {CLIENT} ehlo=2 starttls=1 .*quit=1")
    lines = {name: "\n".join(services.log(name)) for name in ("silent-log", "may", "verbose-log")}
    assert "TLS" not in lines["silent-log"]
    assert "Anonymous TLS connection established from localhost[127.0.0.1]: TLSv1.3 with cipher " in lines["may"]
    assert "setting up TLS connection from localhost[127.0.0.1]" in lines["verbose-log"]
    assert "setting up TLS" not in lines["may"]


def test_new_tls_sessions_of_a_client_are_limited(services):
    context = client_context()
    kept = None
    for _ in range(2):
        with services.client("rate", context=context) as client:
            assert client.mail("a@example.com").code == 250
            kept = client.socket.session
    with services.client("rate", context=context, session=kept) as client:
        assert client.socket.session_reused, "a session that is taken up again is no new one"
    with services.client("rate", ehlo=None) as client:
        client.reply(), client.command("STARTTLS"), client.handshake()
        assert client.reply() == (421, "4.7.0 mail.local.test Error: too many new TLS sessions from localhost[127.0.0.1]")
        assert client.at_end()
    services.wait_for_log("rate", rf"^warning: New TLS session rate limit exceeded: 3 from {CLIENT} for service "
                          rf"127\.0\.0\.1:{services.ports['rate']}$")
    with services.client("rate", starttls=False) as client:
        assert client.command("STARTTLS") == (454, "4.7.0 Error: too many new TLS sessions from localhost[127.0.0.1]")
        assert client.mail("a@example.com").code == 250


def test_new_tls_sessions_of_our_own_networks_are_not_limited(services):
    for _ in range(3):
        with services.client("rate-ours") as client:
            assert client.mail("a@example.com").code == 250


# --- the end

def test_quit_ends_with_close_notify(services):
    client = services.client("may")
    assert client.quit().code == 221
    assert client.file.read(1) == b"", "no ragged end"


@pytest.mark.parametrize("name, waits", [("may", False), ("slow-end", True)])
def test_server_waits_for_close_notify_of_the_client_unless_it_is_fast(services, name, waits):
    client = starttls(services, name)
    tls = RecordClient(client)
    tls.finish_handshake()
    client.send(tls.record(b"QUIT\r\n"))
    assert tls.read_reply().startswith("221 ")
    assert tls.read() == b""
    begin = time.monotonic()
    assert client.socket.recv(100) == b""
    assert (time.monotonic() - begin > 1) == waits


def test_client_without_close_notify_is_a_lost_connection(services):
    client = services.client("may")
    before = len(services.log("may"))
    client.socket.close()
    client.close()
    wait_until(lambda: "lost connection after EHLO from localhost[127.0.0.1]" in services.log("may")[before:], "that line")


def test_time_limit_inside_of_tls_is_told_inside_of_tls(services):
    client = services.client("short")
    assert client.reply() == (421, "4.4.2 mail.local.test Error: timeout exceeded")
    assert client.file.read(1) == b""


# --- handshakes that fail

def is_served(services, name="may"):
    with services.client(name) as client:
        return client.mail("a@example.com").code == 250


def test_silent_client_is_disconnected_after_the_time_limit_of_handshakes(services):
    begin = time.monotonic()
    client = starttls(services, "impatient")
    assert client.at_end()
    assert 0.5 < time.monotonic() - begin < 15
    services.wait_for_log("impatient", rf"^SSL_accept error from {CLIENT}: Connection timed out$")
    services.wait_for_log("impatient", rf"^disconnect from {CLIENT} ehlo=1 starttls=0/1 commands=1/2$")


def test_handshake_byte_by_byte_succeeds_while_others_are_served(services):
    client = starttls(services, "may")
    tls = RecordClient(client)

    def slowly(data):
        for number in range(4):
            client.send(data[number:number + 1])
            time.sleep(1)
            assert is_served(services)
        for number in range(4, len(data)):
            client.send(data[number:number + 1])

    tls.finish_handshake(slowly)
    client.send(tls.record(b"EHLO client.test\r\n"))
    assert "250 " in tls.read_reply()


@pytest.mark.parametrize("bytes_of_hello", [0, 1, 4, 5, 6, 60, -1])
def test_client_that_hangs_up_in_its_hello_is_a_lost_connection(services, bytes_of_hello):
    client = starttls(services, "may")
    before = len(services.log("may"))
    client.send(RecordClient(client).next_bytes()[:bytes_of_hello])
    client.close()
    wait_until(lambda: "SSL_accept error from localhost[127.0.0.1]: lost connection" in services.log("may")[before:],
               lambda: f"that line: {services.log('may')[before:]}")
    assert is_served(services)


def test_random_bytes_as_handshake_are_survived(services):
    processes = services.instance.pids("smtpd")
    generator = random.Random(5)
    for number in range(60):
        client = starttls(services, "may")
        hello = bytearray(RecordClient(client).next_bytes())
        kind = number % 4
        if kind == 0:
            data = generator.randbytes(generator.randrange(1, 3000))
        elif kind == 1:                                        # a record with a proper head
            data = b"\x16\x03\x01" + (length := generator.randrange(1, 400)).to_bytes(2) + generator.randbytes(length)
        elif kind == 2:                                        # a hello with a few wrong bytes
            for _ in range(generator.randrange(1, 8)):
                hello[generator.randrange(len(hello))] = generator.randrange(256)
            data = bytes(hello)
        else:                                                  # lengths that are wrong
            hello[generator.choice([3, 4, 6, 7, 8, 43, 44])] ^= 1 << generator.randrange(8)
            data = bytes(hello)
        try:
            client.send(data)
            client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(4096):
                pass
        except OSError:
            pass
        client.close()
    assert is_served(services)
    assert set(processes) <= set(services.instance.pids("smtpd")), "no process has died"


@pytest.mark.parametrize("damage", ["bit", "cut", "garbage", "long"])
def test_broken_record_ends_the_session_and_nothing_else(services, damage):
    client = starttls(services, "may")
    tls = RecordClient(client)
    tls.finish_handshake()
    record = bytearray(tls.record(b"EHLO client.test\r\n"))
    if damage == "bit":
        record[-3] ^= 1
    elif damage == "cut":
        del record[-5:]
    elif damage == "garbage":
        record = b"NOOP\r\nNOOP\r\n"
    else:
        record[3:5] = b"\xff\xff"
    client.send(bytes(record))
    client.socket.shutdown(socket.SHUT_WR)
    with pytest.raises((ssl.SSLError, Disconnected, ConnectionResetError)):
        while tls.read():
            pass
        raise Disconnected("closed")
    assert is_served(services)


def test_renegotiation_is_refused(services):
    """TLS 1.2 only; the session may end, but must not hang or come to harm."""
    result = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-tls1_2", "-connect",
                             f"127.0.0.1:{services.ports['may']}"], input=b"R\n", capture_output=True, timeout=30, check=False)
    assert b"CONNECTED" in result.stdout
    assert is_served(services)


# --- many clients, large messages, odd packets

def test_commands_in_one_record_and_in_records_of_one_byte(services):
    user = f"{services.instance.user}@local.test".encode()
    with services.client("may") as client:
        client.send(b"MAIL FROM:<a@example.com>\r\nRCPT TO:<" + user + b">\r\nDATA\r\n")
        assert [client.reply().code for _ in range(3)] == [250, 250, 354]
        for byte in b"Subject: one by one\r\n\r\ntext\r\n.\r\n":
            client.send(bytes([byte]))
        assert client.reply().code == 250
        for byte in b"NOOP\r\n":
            client.send(bytes([byte]))
        assert client.reply().code == 250
    services.instance.wait_for_mailbox(b"Subject: one by one\n")


def test_two_hundred_clients_at_once(services):
    clients = [services.client("may") for _ in range(200)]
    assert all(client.mail("a@example.com").code == 250 for client in clients)
    assert all(client.quit().code == 221 for client in clients)
    for client in clients:
        client.close()


def test_many_handshakes_at_once(services):
    failures = []

    def one():
        try:
            with services.client("may") as client:
                assert client.noop().code == 250
        except (OSError, AssertionError, Disconnected) as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=one) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_client_that_never_reads_is_disconnected_and_disturbs_nobody(services):
    client = services.client("short")
    client.socket.settimeout(5)
    sent = 0
    with pytest.raises((OSError, ssl.SSLError)):
        while sent < 200_000_000:
            client.send(b"RSET\r\n" * 1000)
            sent += 6000
    assert sent < 200_000_000
    assert is_served(services)
    services.wait_for_log("short", rf"^(lost connection|timeout) after RSET from {CLIENT}$")
    client.close()


@pytest.fixture
def relay(make_instance, sink):
    """An instance with TLS that sends everything to `sink`."""
    services = TlsServices(make_instance, {"relay": MAY}, relayhost=f"[127.0.0.1]:{sink.port}",
                           message_size_limit=50_000_000)
    return services.start()


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("size", [2 ** 20, 20 * 2 ** 20])
def test_large_messages_arrive_byte_for_byte(relay, sink, size, version):
    generator = random.Random(size)
    lines = [b"Subject: large\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nFrom: a@example.com\r\nMessage-ID: <2@x.test>\r\n\r\n"]
    length = 0
    while length < size:
        lines.append(generator.choice([b"", b"."]) + generator.randbytes(generator.randrange(0, 300)).hex().encode() + b"\r\n")
        length += len(lines[-1])
    message = b"".join(lines)
    with relay.client("relay", version=version) as client:
        client.deliver("a@example.com", "b@far.test", message)
    arrived = sink.wait_for(1, timeout=120)[0].content
    assert arrived[arrived.index(b"\r\nSubject: large") + 2:] == message


# --- reload and stop

def test_session_under_way_survives_a_reload(make_instance):
    services = TlsServices(make_instance, {"x": MAY}).start()
    instance = services.instance
    with services.client("x") as client:
        client.mail("a@example.com")
        instance.reload()
        instance.wait_for_log("reload -- version")
        assert is_served(services, "x")
        client.rcpt(f"{instance.user}@local.test")
        assert client.data(b"Subject: over the reload\r\n\r\ntext\r\n").code == 250
    instance.wait_for_mailbox(b"Subject: over the reload\n")


def test_clients_are_told_inside_of_tls_when_the_system_stops(make_instance):
    services = TlsServices(make_instance, {"x": MAY}).start()
    client = services.client("x")
    silent = starttls(services, "x")
    services.instance.stop()
    assert client.reply().code == 421
    assert client.file.read(1) == b""
    assert silent.at_end()


# --- nothing of what was said in the clear counts inside

def test_end_of_a_long_line_in_the_clear_is_not_awaited_inside(services):
    with services.client("may", starttls=False) as client:
        client.send(b"STARTTLS" + b" " * 2100)            # no line end
        assert client.reply() == (220, "2.0.0 Ready to start TLS")
        client.handshake()
        assert client.ehlo().code == 250
        assert client.mail("a@example.com").code == 250


def test_commands_behind_starttls_are_no_fault_inside(services):
    with services.client("pipelining", starttls=False) as client:
        client.send(b"STARTTLS\r\nNOOP\r\n")
        assert client.reply() == (220, "2.0.0 Ready to start TLS")
        client.handshake()
        client.ehlo()
        assert client.mail("a@example.com").code == 250
        assert client.rcpt(f"{services.instance.user}@local.test").code == 250
    services.wait_for_log("pipelining", "^improper command pipelining after STARTTLS from")
