"""Sessions as a whole: who comes, who stays too long, who errs too often, and what the log says of them."""
import re
import time

import pytest

from support.smtp_client import Disconnected

STRANGER = {"mynetworks": "192.0.2.0/24", "smtpd_client_event_limit_exceptions": ""}
CLIENT = r"localhost\[127\.0\.0\.1\]"


def test_log_counts_the_commands_of_a_session(instance):
    with instance.smtp() as client:
        client.mail("a@example.com"), client.rcpt("nobody-here@local.test"), client.command("FOO"), client.rset()
    instance.wait_for_log(rf"postfix/smtpd\[\d+\]: connect from {CLIENT}$")
    instance.wait_for_log(rf"disconnect from {CLIENT} ehlo=1 mail=1 rcpt=0/1 rset=1 quit=1 unknown=0/1 commands=4/6$")


def test_silent_client_is_told_and_disconnected(make_instance):
    instance = make_instance(smtpd_timeout="1s").start()
    client = instance.smtp()
    assert str(client.reply()) == "421 4.4.2 mail.local.test Error: timeout exceeded"
    assert client.at_end()
    instance.wait_for_log(rf"timeout after EHLO from {CLIENT}$")


def test_too_many_errors_end_the_session(make_instance):
    instance = make_instance(smtpd_hard_error_limit=3, smtpd_error_sleep_time="0").start()
    client = instance.smtp()
    assert [client.command("FOO").code for _ in range(3)] == [500, 500, 500]
    assert str(client.reply()) == "421 4.7.0 mail.local.test Error: too many errors"
    assert client.at_end()
    instance.wait_for_log(rf"too many errors after UNKNOWN from {CLIENT}$")


def test_errors_beyond_the_soft_limit_are_answered_slowly(make_instance):
    instance = make_instance(smtpd_soft_error_limit=1, smtpd_error_sleep_time="1s").start()
    with instance.smtp() as client:
        begin = time.monotonic()
        client.command("FOO")
        assert time.monotonic() - begin >= 0.9


@pytest.mark.parametrize("first", ["GET / HTTP/1.0", "CONNECT x:25 HTTP/1.0", "Subject: hello", "\x16\x03\x01"])
def test_what_is_no_mail_client_is_sent_away(first, instance):
    client = instance.smtp(ehlo=None)
    client.reply()
    assert client.command(first.encode()).code == 221
    assert client.at_end()
    instance.wait_for_log(rf"warning: non-SMTP command from {CLIENT}: ")


def test_pipelining_before_it_is_allowed_ends_the_session(instance):
    client = instance.smtp(ehlo=None)
    client.reply()
    client.send(b"EHLO client.test\r\nMAIL FROM:<a@example.com>\r\n")
    assert str(client.reply()) == "554 5.5.0 Error: SMTP protocol synchronization"
    assert client.at_end()
    instance.wait_for_log(rf"improper command pipelining after EHLO from {CLIENT}: MAIL FROM:<a@example\.com>\\r\\n$")


def test_proper_pipelining_is_answered_in_one_go(instance):
    with instance.smtp() as client:
        client.send(b"MAIL FROM:<a@example.com>\r\nRCPT TO:<" + instance.user.encode() + b"@local.test>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(3)] == [250, 250, 354]
        client.send(b"Subject: x\r\n\r\nx\r\n.\r\nMAIL FROM:<b@example.com>\r\nRSET\r\n")
        assert [client.reply().code for _ in range(3)] == [250, 250, 250]


def test_connections_of_one_client_are_limited(make_instance):
    instance = make_instance(smtpd_client_connection_count_limit=2, **STRANGER).start()
    clients = [instance.smtp() for _ in range(2)]
    refused = instance.smtp(ehlo=None)
    assert str(refused.reply()) == "421 4.7.0 mail.local.test Error: too many connections from 127.0.0.1"
    assert refused.at_end()
    instance.wait_for_log(rf"warning: Connection concurrency limit exceeded: 3 from {CLIENT} for service "
                          rf"127\.0\.0\.1:{instance.smtp_port}$")
    clients.pop().close()
    instance.wait_for_log(rf"lost connection after EHLO from {CLIENT}$")
    instance.wait_for_log(r"disconnect from", count=2)
    for _ in range(50):                 # anvil hears of the end a moment later
        again = instance.smtp(ehlo=None)
        if again.reply().code == 220:
            break
        again.close()
        time.sleep(0.1)
    else:
        pytest.fail("the place of the client that left stays taken")


def test_our_own_networks_are_not_limited(make_instance):
    instance = make_instance(smtpd_client_connection_count_limit=1).start()
    clients = [instance.smtp() for _ in range(3)]
    assert all(client.banner.code == 220 for client in clients)


def test_recipients_per_minute_are_limited(make_instance):
    instance = make_instance(smtpd_client_recipient_rate_limit=1, **STRANGER).start()
    with instance.smtp() as client:
        client.mail("a@example.com")
        assert client.rcpt("bin@local.test").code == 250
        assert str(client.rcpt("root@local.test")) == "450 4.7.1 Error: too many recipients from 127.0.0.1"


def test_idle_client_is_told_when_the_system_stops(instance):
    client = instance.smtp()
    instance.stop()
    try:
        assert client.reply().code == 421
    except Disconnected:
        pytest.fail("closed without a word")


def test_a_stop_does_not_wait_for_slow_clients(make_instance):
    """Neither for one in the middle of a message nor for one that does not read; mail that is whole is accepted."""
    instance = make_instance(smtpd_junk_command_limit=100_000_000, smtpd_forbid_unauth_pipelining="no").start()
    sending, reading = instance.smtp(), instance.smtp()
    sending.mail("a@example.com"), sending.rcpt(f"{instance.user}@local.test"), sending.command("DATA")
    sending.send(b"Subject: half of it\r\n")
    reading.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:  # until neither takes any more
            reading.send(b"NOOP\r\n" * 10000)
    begun = time.monotonic()
    instance.stop()
    assert time.monotonic() - begun < 6  # after eight seconds the process would leave all as it is
    assert str(sending.reply()) == "421 4.3.2 mail.local.test Error: the mail system is shutting down"
    assert len(re.findall(rf"disconnect from {CLIENT}", instance.log())) == 2
    assert "lost connection" not in instance.log()


def test_session_under_way_survives_a_reload(instance):
    with instance.smtp() as client:
        client.mail("a@example.com")
        instance.configure(smtpd_banner="new banner")
        instance.reload()
        instance.wait_for_log("reload -- version")
        client.rcpt(f"{instance.user}@local.test")
        assert client.data(b"Subject: x\n\nx\n").code == 250
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with instance.smtp() as client:
            if str(client.banner) == "220 new banner":
                return
        time.sleep(0.1)
    pytest.fail("the new banner never came")


def test_client_names_come_from_the_name_service(make_instance, dns):
    """The address 127.0.0.2 is called what the PTR says, if that name has the address; else unknown, with a warning."""
    dns.zone("0.0.127.in-addr.arpa", "2 PTR good.clients.test.\n3 PTR liar.clients.test.")
    dns.zone("clients.test", "good A 127.0.0.2\nliar A 192.0.2.1")
    instance = make_instance().start()
    for address in ("127.0.0.2", "127.0.0.3"):
        instance.smtp(source_address=address).close()
    instance.wait_for_log(r": connect from good\.clients\.test\[127\.0\.0\.2\]$")
    instance.wait_for_log(r": connect from unknown\[127\.0\.0\.3\]$")
    instance.wait_for_log(r"warning: hostname liar\.clients\.test does not resolve to address 127\.0\.0\.3")


def test_slow_client_has_one_timeout_for_a_whole_command(make_instance):
    """smtpd_per_request_deadline: a byte now and then does not keep a session alive."""
    instance = make_instance(smtpd_timeout="2s", smtpd_per_request_deadline=True).start()
    client = instance.smtp()
    begin = time.monotonic()
    try:
        while time.monotonic() - begin < 20:
            client.send(b"N")
            time.sleep(0.3)
    except OSError:
        pass
    assert time.monotonic() - begin < 15
    instance.wait_for_log(rf"timeout after EHLO from {CLIENT}$")


def test_command_filter_changes_what_the_client_said(make_instance):
    instance = make_instance(smtpd_command_filter="pcre:{{/^EHLO (.*) extra$$/ HELO $$1}}").start()
    client = instance.smtp(ehlo=None)
    client.reply()
    assert str(client.command("EHLO client.test extra")) == "250 mail.local.test"
    client.quit(), client.close()


def test_anvil_reports_its_maxima_when_it_leaves(make_instance):
    instance = make_instance(**STRANGER).start()
    with instance.smtp():
        pass
    instance.wait_for_log("disconnect from")
    instance.stop()
    instance.wait_for_log(rf"postfix/anvil\[\d+\]: statistics: max connection rate 1/60s for "
                          rf"\(127\.0\.0\.1:{instance.smtp_port}:127\.0\.0\.1\) at [A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d$")
