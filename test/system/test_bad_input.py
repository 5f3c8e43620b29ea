"""What no client should send gets a clear answer, and the server serves the next one."""
import random
import socket
import time

from support.smtp_client import Disconnected


def still_serves(instance):
    with instance.smtp() as client:
        assert client.mail("a@example.com").code == 250


def answers(client, count):
    """Up to `count` reply codes; the server may close before."""
    codes = []
    try:
        for _ in range(count):
            codes.append(client.reply().code)
    except (Disconnected, OSError):
        pass
    return codes


def test_binary_garbage(instance):
    generator = random.Random(7)
    for _ in range(20):
        client = instance.smtp(ehlo=None)
        client.reply()
        client.send(generator.randbytes(3000).replace(b"\n", b"") + b"\r\n" + generator.randbytes(200) + b"\r\n")
        codes = answers(client, 2)
        assert codes and all(code >= 500 or code in (221, 421) for code in codes)
        client.close()
    still_serves(instance)


def test_line_without_end(make_instance):
    """A megabyte without a line end is answered or cut off, and never kept in memory whole."""
    instance = make_instance(smtpd_timeout="20s").start()
    client = instance.smtp()
    try:
        for _ in range(16):
            client.send(b"x" * 65536)
        client.send(b"\r\n")
        codes = answers(client, 1)
        assert codes == [] or codes[0] >= 500
    except OSError:
        pass
    client.close()
    still_serves(instance)


def test_nul_bytes_in_commands_and_content(instance):
    with instance.smtp() as client:
        assert client.command(b"MAIL FROM:<a\0b@example.com>").code in (250, 501)
        client.rset()
        client.deliver("a@example.com", f"{instance.user}@local.test", b"Subject: nul\r\n\r\nbefore\0after\r\n")
    instance.wait_for_mailbox(b"before")


def test_ten_thousand_recipients(make_instance):
    instance = make_instance(smtpd_recipient_limit=1000, smtpd_error_sleep_time="0",
                             smtpd_recipient_overshoot_limit=100_000, transport_maps="inline:{far.test=discard:}").start()
    with instance.smtp() as client:
        client.mail("a@example.com")
        codes = []
        for start in range(0, 10_000, 500):
            client.send(b"".join(b"RCPT TO:<user%d@far.test>\r\n" % number for number in range(start, start + 500)))
            codes += [client.reply().code for _ in range(500)]
        assert codes[:1000] == [250] * 1000
        assert set(codes[1000:]) == {452}
        assert client.data(b"Subject: many\r\n\r\ntext\r\n").code == 250
    instance.wait_until_queue_empty(timeout=60)


def test_client_that_vanishes_in_the_middle_of_data(instance):
    client = instance.smtp()
    client.mail("a@example.com")
    client.rcpt(f"{instance.user}@local.test")
    client.command("DATA")
    client.send(b"Subject: half\r\n\r\nthe first li")
    client.close()
    instance.wait_for_log(r"lost connection after DATA .* from ")
    instance.wait_until_queue_empty()
    assert b"half" not in instance.mailbox()
    still_serves(instance)


def test_client_that_vanishes_before_the_answer_to_the_dot(instance):
    """The message may have been taken or not, but it is whole or absent."""
    client = instance.smtp()
    client.mail("a@example.com")
    client.rcpt(f"{instance.user}@local.test")
    client.command("DATA")
    client.send(b"Subject: whole\r\n\r\nfirst\r\nlast\r\n.\r\n")
    client.socket.shutdown(socket.SHUT_RDWR)
    client.close()
    instance.wait_for_log(r"disconnect from ")
    instance.wait_until_queue_empty()
    assert b"Subject: whole" not in instance.mailbox() or b"first\nlast\n" in instance.mailbox()


def test_slow_client_does_not_hold_up_the_others(instance):
    slow = instance.smtp()
    for byte in b"MAIL":
        slow.send(bytes([byte]))
        start = time.monotonic()
        still_serves(instance)
        assert time.monotonic() - start < 10
    slow.send(b" FROM:<a@example.com>\r\n")
    assert slow.reply().code == 250
    slow.close()


def test_silent_client_is_told_about_the_timeout(make_instance):
    instance = make_instance(smtpd_timeout="1s").start()
    client = instance.smtp()
    assert client.reply() == (421, "4.4.2 mail.local.test Error: timeout exceeded")
    assert client.at_end()
    client.close()
    instance.wait_for_log(r"timeout after EHLO from ")


def test_unreadable_table_defers_and_never_says_unknown_user(make_instance):
    instance = make_instance(local_recipient_maps="texthash:/nonexistent/recipients", smtpd_error_sleep_time="0").start()
    with instance.smtp() as client:
        client.mail("a@example.com")
        reply = client.rcpt(f"{instance.user}@local.test")
        assert reply.code == 451, reply
        assert "unknown" not in reply.text.lower()


def test_damaged_table_defers_and_never_says_unknown_user(make_instance):
    instance = make_instance(smtpd_error_sleep_time="0")
    damaged = instance.table("recipients.db", "this is no Berkeley DB file\n" * 200)
    instance.configure(local_recipient_maps=f"hash:{damaged.with_suffix('')}")
    instance.start()
    with instance.smtp() as client:
        client.mail("a@example.com")
        reply = client.rcpt(f"{instance.user}@local.test")
        assert reply.code == 451, reply
