"""Mail from the programs that people use, and messages at the edges of size, arrive byte for byte."""
import random
import subprocess

import pytest

from support.paths import tool
from support.smtp_client import dot_stuffed


@pytest.fixture
def relay(make_instance, sink):
    """An instance that sends everything but local mail to `sink`."""
    return make_instance(relayhost=f"[127.0.0.1]:{sink.port}", message_size_limit=50_000_000).start()


def body_of(content):
    """The message without the Received header that we put on top."""
    lines = content.split(b"\r\n")
    assert lines[0].startswith(b"Received: ")
    first = next(number for number, line in enumerate(lines[1:], 1) if not line.startswith((b" ", b"\t")))
    return b"\r\n".join(lines[first:])


def test_swaks(relay, sink):
    message = "From: a@example.com\\nTo: b@far.test\\nSubject: by swaks\\nDate: Thu, 1 Jan 2026 00:00:00 +0000\\n" \
              "Message-ID: <1@example.com>\\n\\n.dot first\\n\\ntext\\n"
    result = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(relay.smtp_port), "--helo", "client.test",
                             "--from", "a@example.com", "--to", "b@far.test", "--data", message],
                            capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    received = sink.wait_for(1)[0]
    assert received.recipients == ("b@far.test",)
    assert body_of(received.content).rstrip() == message.replace("\\n", "\r\n").encode().rstrip()


def test_swaks_pipelined(relay, sink):
    result = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(relay.smtp_port), "--pipeline", "--to",
                             "b@far.test,c@far.test", "--from", "a@example.com"],
                            capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert sorted(sink.wait_for(1)[0].recipients) == ["b@far.test", "c@far.test"]


def test_mail_command_of_bsd_mailx(relay, sink):
    environment = {**relay.environment(), "LANG": "C", "HOME": str(relay.directory), "MAILRC": str(relay.table(
        "mailrc", f"set sendmail={relay.directory}/bin/sendmail\n"))}
    subprocess.run([tool("mail"), "-s", "by mail(1)", "-r", "a@example.com", "b@far.test"], input=b"text\n.\n",
                   env=environment, capture_output=True, timeout=60, check=True)
    received = sink.wait_for(1)[0]
    assert received.recipients == ("b@far.test",)
    assert b"\r\nSubject: by mail(1)\r\n" in received.content
    assert received.content.endswith(b"\r\n\r\ntext\r\n.\r\n")          # only a terminal ends with a dot


def test_a_thousand_recipients(relay, sink):
    recipients = [f"user{number}@far.test" for number in range(1000)]
    with relay.smtp() as client:
        client.deliver("a@example.com", recipients, b"Subject: to many\r\n\r\ntext\r\n")
    relay.wait_until_queue_empty(timeout=120)
    assert sorted(recipient for message in sink.messages for recipient in message.recipients) == sorted(recipients)


def test_twenty_megabytes_arrive_byte_for_byte(relay, sink):
    generator = random.Random(1)
    lines = [b"Subject: large\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nFrom: a@example.com\r\nMessage-ID: <2@x.test>\r\n"]
    size = 0
    while size < 20_000_000:
        line = generator.randbytes(generator.randrange(0, 300)).hex().encode() + b"\r\n"
        lines.append(generator.choice([b"", b"."]) + line)
        size += len(lines[-1])
    message = b"".join([lines[0], b"\r\n", *lines[1:]])
    with relay.smtp() as client:
        client.deliver("a@example.com", "b@far.test", message)
    assert body_of(sink.wait_for(1, timeout=120)[0].content) == message


def test_eight_bit_and_long_lines_arrive_unchanged(relay, sink):
    message = b"Subject: odd\r\nFrom: a@example.com\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <3@x.test>\r\n" \
              b"\r\n" + bytes(range(128, 256)) + b"\r\n" + b"x" * 900 + b"\r\n..\r\n.\x07.\r\n"
    with relay.smtp() as client:
        assert client.mail("a@example.com", "BODY=8BITMIME").code == 250
        assert client.rcpt("b@far.test").code == 250
        assert client.data(message).code == 250
    assert body_of(sink.wait_for(1)[0].content) == message


def test_sendmail_dot_ends_the_message_unless_told(relay, sink):
    relay.sendmail("-f", "a@example.com", "b@far.test", stdin=b"Subject: one\n\nfirst\n.\nnot sent\n")
    relay.sendmail("-i", "-f", "a@example.com", "c@far.test", stdin=b"Subject: two\n\nfirst\n.\nsecond\n")
    contents = {message.recipients[0]: message.content for message in sink.wait_for(2)}
    assert contents["b@far.test"].endswith(b"\r\n\r\nfirst\r\n")
    assert contents["c@far.test"].endswith(b"\r\n\r\nfirst\r\n.\r\nsecond\r\n")


def test_dot_stuffing_of_this_client():
    """The bytes that the tests send are themselves right: every line that begins with a dot gets another."""
    assert dot_stuffed(b".a\n\n..b\r\n") == b"..a\r\n\r\n...b\r\n.\r\n"
