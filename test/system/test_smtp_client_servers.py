"""How smtp(8) and lmtp(8) get along with servers that are slow, old, or break the rules (support/clients.py)."""
import re
import socket
import threading
import time

import pytest
from support.clients import BODY, DIALECTS, Clients
from support.waiting import wait_until

SMTP = {
    "patient": {"smtp_helo_timeout": "1s"},
    "deadline": {"smtp_helo_timeout": "1s", "smtp_per_request_deadline": True},
    "slow-data": {"smtp_data_xfer_timeout": "3s", "smtp_per_request_deadline": True},
    "data-rate": {"smtp_data_xfer_timeout": "3s", "smtp_per_request_deadline": True, "smtp_min_data_rate": 100_000_000},
    "unfiltered": {},
    "filter": {"smtp_reply_filter": "regexp:{{/^550 5.1.1 no/ 450 4.2.0 later}}"},
    "filler": {"smtp_reply_filter": "regexp:{{/^junk/ 250-filler}}"},
    "broken-filter": {"smtp_reply_filter": "fail:no-filter"},
    "pix": {},
    "no-pix": {"smtp_pix_workarounds": "delay_dotcrlf"},
    "pix-delay": {"smtp_pix_workaround_threshold_time": "0s", "smtp_pix_workaround_delay_time": "2s"},
    "pix-maps": {"smtp_pix_workaround_maps": "inline:{127.0.0.1=disable_esmtp}"},
    "as-it-is": {"disable_mime_output_conversion": True},
    "converted": {},
    "reports": {},
}
LMTP = {
    "patient": {"lmtp_lhlo_timeout": "1s"},
    "deadline": {"lmtp_lhlo_timeout": "1s", "lmtp_per_request_deadline": True},
    "slow-data": {"lmtp_data_xfer_timeout": "3s", "lmtp_per_request_deadline": True},
    "data-rate": {"lmtp_data_xfer_timeout": "3s", "lmtp_per_request_deadline": True, "lmtp_min_data_rate": 100_000_000},
    "unfiltered": {},
    "filter": {"lmtp_reply_filter": "regexp:{{/^550 5.1.1 no/ 450 4.2.0 later}}"},
    "filler": {"lmtp_reply_filter": "regexp:{{/^junk/ 250-filler}}"},
    "broken-filter": {"lmtp_reply_filter": "fail:no-filter"},
    "pix": {},
    "no-pix": {"lmtp_pix_workarounds": "delay_dotcrlf"},
    "pix-delay": {"lmtp_pix_workaround_threshold_time": "0s", "lmtp_pix_workaround_delay_time": "2s"},
    "pix-maps": {"lmtp_pix_workaround_maps": "inline:{127.0.0.1=disable_esmtp}"},
    "as-it-is": {"disable_mime_output_conversion": True},
    "converted": {},
    "final": {"lmtp_assume_final": True},
    "not-final": {},
}
SETTINGS = {f"smtp-{name}": settings for name, settings in SMTP.items()} | {
    f"lmtp-{name}": settings for name, settings in LMTP.items()}


@pytest.fixture(scope="module")
def clients(make_shared_instance):
    return Clients(make_shared_instance, SETTINGS)


def serve(clients, name, conversation):
    """Runs conversation(connection, lines) with the first client of this transport; the listener, to be closed."""
    listener = socket.create_server(("127.0.0.1", clients.ports[name]))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262144)    # so that the client notices a slow server

    def run():
        try:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                conversation(connection, lines)
        except OSError:                             # the client has left, as it should in some of the tests
            pass

    threading.Thread(target=run, daemon=True).start()
    return listener


def trickle(connection, lines):
    """Greets, and then takes two seconds for the reply to EHLO, a byte at a time."""
    connection.sendall(b"220 slow.test\r\n")
    lines.readline()
    for byte in b"250 ok\r\n":
        time.sleep(0.25)
        connection.sendall(bytes([byte]))
    while line := lines.readline():
        connection.sendall(b"550 5.1.1 enough\r\n" if line[:4] == b"RCPT" else b"250 ok\r\n")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_per_request_deadline_bounds_a_reply_that_trickles_in(clients, dialect):
    with serve(clients, f"{dialect}-patient", trickle), serve(clients, f"{dialect}-deadline", trickle):
        patient, strict = [clients.send(f"{dialect}-{name}") for name in ("patient", "deadline")]
        assert "status=bounced (host 127.0.0.1[127.0.0.1] said: 550 5.1.1 enough" in clients.line(patient)
        assert re.search(r"status=deferred \(conversation with .* timed out while performing the [EL]HLO handshake\)",
                         clients.line(strict))


def take_a_megabyte_a_second(connection, lines):
    replies = {b"DATA": b"354 go on\r\n"}
    connection.sendall(b"220 slow.test\r\n")
    verb = b""
    while verb != b"DATA":
        verb = lines.readline()[:4]
        connection.sendall(replies.get(verb, b"250 ok\r\n"))
    end = b""
    while not end.endswith(b"\r\n.\r\n"):
        data = lines.read1(65536)
        if not data:
            return
        end = (end + data)[-5:]
        time.sleep(len(data) / 1_000_000)
    connection.sendall(b"250 2.0.0 kept\r\n")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_min_data_rate_is_what_earns_a_transfer_more_time(clients, dialect):
    """Both transfers take longer than the time limit; only one is as fast as it has to be."""
    body = BODY + 9000 * (b"0123456789" * 97 + b"\r\n")
    with serve(clients, f"{dialect}-slow-data", take_a_megabyte_a_second), \
         serve(clients, f"{dialect}-data-rate", take_a_megabyte_a_second):
        slow, too_slow = [clients.send(f"{dialect}-{name}", body=body) for name in ("slow-data", "data-rate")]
        assert "status=sent" in clients.line(slow)
        assert clients.line(too_slow).endswith("timed out while sending message body)")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_reply_filter_changes_what_the_server_said(clients, dialect):
    no = {"RCPT": lambda line: "550 5.1.1 no"}
    with clients.server(f"{dialect}-unfiltered", replies=no), clients.server(f"{dialect}-filter", replies=no):
        assert "dsn=5.1.1, status=bounced" in clients.deliver(f"{dialect}-unfiltered")
        line = clients.deliver(f"{dialect}-filter")
        assert "dsn=4.2.0, status=deferred" in line and "said: 450 4.2.0 later" in line


@pytest.mark.parametrize("dialect", DIALECTS)
def test_reply_filter_mends_a_reply_that_is_none(clients, dialect):
    """The example of postconf(5): garbage becomes a line of a longer reply."""
    def garbage(connection, lines):
        connection.sendall(b"220 odd.test\r\n")
        while line := lines.readline():
            verb = line[:4]
            connection.sendall({b"RCPT": b"junk\r\n550 5.1.1 no\r\n"}.get(verb, b"250 ok\r\n"))

    with serve(clients, f"{dialect}-filler", garbage):
        assert "said: 250-filler 550 5.1.1 no (in reply to RCPT TO" in clients.deliver(f"{dialect}-filler")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_reply_filter_that_does_not_answer_puts_the_mail_off(clients, dialect):
    with clients.server(f"{dialect}-broken-filter") as server:
        line = clients.deliver(f"{dialect}-broken-filter")
        assert "dsn=4.3.0, status=deferred (local data error while talking to 127.0.0.1[127.0.0.1])" in line
        assert not server.transactions


def asterisks(line):
    return "220 ******************************2******0*0*"


def test_server_that_greets_with_asterisks_is_greeted_with_helo(clients):
    with clients.server("smtp-pix", replies={"GREETING": asterisks}) as firewall, \
         clients.server("smtp-no-pix", replies={"GREETING": asterisks}) as trusted:
        queue_id = clients.send("smtp-pix")
        assert "status=sent" in clients.line(queue_id)
        assert firewall.commands[0].startswith("HELO ")
        clients.instance.wait_for_log(rf"smtp\[\d+\]: {queue_id}: enabling PIX workarounds: disable_esmtp for "
                                      rf"127\.0\.0\.1\[127\.0\.0\.1\]:{firewall.port}$")
        assert "status=sent" in clients.deliver("smtp-no-pix")
        assert trusted.commands[0].startswith("EHLO ")


def test_lmtp_uses_no_extension_of_a_server_that_greets_with_asterisks(clients):
    size = ["SIZE 100000"]
    with clients.server("lmtp-pix", replies={"GREETING": asterisks}, extensions=size) as firewall, \
         clients.server("lmtp-no-pix", replies={"GREETING": asterisks}, extensions=size) as trusted:
        for name in ("lmtp-pix", "lmtp-no-pix"):
            assert "status=sent" in clients.deliver(name)
        assert "SIZE=" not in firewall.transactions[0].mail
        assert "SIZE=" in trusted.transactions[0].mail


@pytest.mark.parametrize("dialect", DIALECTS)
def test_pix_workaround_maps_counts_whatever_the_greeting(clients, dialect):
    with clients.server(f"{dialect}-pix-maps", extensions=["SIZE 100000"]) as server:
        queue_id = clients.send(f"{dialect}-pix-maps")
        assert "status=sent" in clients.line(queue_id)
        assert "SIZE=" not in server.transactions[0].mail
        clients.instance.wait_for_log(f"{queue_id}: enabling PIX workarounds: disable_esmtp for ")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_pix_pause_comes_before_the_final_dot_of_mail_that_has_waited(clients, dialect):
    """Mail waits for two seconds where the threshold is 0; with the defaults young mail goes at once."""
    def transmission(line):
        return float(re.search(r"delays=.*/([\d.]+), ", line).group(1))

    greeting = {"GREETING": asterisks}
    with clients.server(f"{dialect}-pix-delay", replies=greeting) as server, \
         clients.server(f"{dialect}-pix", replies=greeting):
        queue_id = clients.send(f"{dialect}-pix-delay")
        assert 2 <= transmission(clients.line(queue_id)) < 8
        clients.instance.wait_for_log(f"{queue_id}: enabling PIX workarounds: disable_esmtp delay_dotcrlf for ")
        assert server.transactions[0].content.endswith(BODY.partition(b"\r\n\r\n")[2])
        assert transmission(clients.deliver(f"{dialect}-pix")) < 2


EIGHT_BIT = (b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
             b"Content-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa4 = ae\r\n.dot\r\n")


def assert_unchanged(content):
    header, _, body = content.partition(b"\r\n\r\n")
    assert b"Content-Transfer-Encoding: 8bit" in header and body == EIGHT_BIT.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_8bit_mail_is_converted_for_a_server_that_does_not_take_it(clients, dialect):
    with clients.server(f"{dialect}-converted") as server:
        assert "status=sent" in clients.deliver(f"{dialect}-converted", body=EIGHT_BIT)
        header, _, body = server.transactions[0].content.partition(b"\r\n\r\n")
        assert b"Content-Transfer-Encoding: quoted-printable" in header and b"8bit" not in header
        assert body == b"=C3=A4 =3D ae\r\n.dot\r\n"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_disable_mime_output_conversion_sends_8bit_mail_as_it_is(clients, dialect):
    with clients.server(f"{dialect}-as-it-is") as server:
        assert "status=sent" in clients.deliver(f"{dialect}-as-it-is", body=EIGHT_BIT)
        assert_unchanged(server.transactions[0].content)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_8bit_mail_goes_as_it_is_to_a_server_that_takes_it(clients, dialect):
    with clients.server(f"{dialect}-converted", extensions=["8BITMIME"]) as server:
        assert "status=sent" in clients.deliver(f"{dialect}-converted", body=EIGHT_BIT)
        assert_unchanged(server.transactions[0].content)
        assert server.transactions[0].mail.endswith("BODY=8BITMIME")


@pytest.mark.parametrize(("name", "action"), [("lmtp-final", b"delivered"), ("lmtp-not-final", b"relayed")])
def test_lmtp_assume_final_is_what_a_report_of_success_says(clients, name, action):
    with clients.server("smtp-reports") as reports, clients.server(name):
        clients.instance.sendmail("-N", "success", "-f", "ann@smtp-reports.test", f"x@{name}.test",
                                  stdin="Subject: x\n\n")
        wait_until(lambda: reports.transactions, "the report")
        assert b"\r\nAction: " + action + b"\r\n" in reports.transactions[0].content
