"""The books of a crash test: every message that was acknowledged, every one that arrived, and where from.

Each message carries a token. The source notes a token when it has read the 250 to the final dot; the sink notes it
before it answers. A token is accounted for when the message itself or a delivery report that quotes it has arrived.
"""
import re
import smtplib
import threading
import time

from support.sink import Sink

import replay

TOKEN = re.compile(rb"token-([0-9]+-[0-9]+)")


class Books:
    """Thread-safe: acknowledged and delivered tokens; notes go to the recorder's log as well when there is one."""

    def __init__(self, log=None):
        self.log = log
        self.lock = threading.Lock()
        self.acknowledged = set()
        self.delivered = {}

    def acknowledge(self, token):
        with self.lock:
            self.acknowledged.add(token)
            if self.log:
                replay.append_note(self.log, replay.ACKNOWLEDGED, token)

    def deliver(self, token):
        with self.lock:
            self.delivered[token] = self.delivered.get(token, 0) + 1
            if self.log:
                replay.append_note(self.log, replay.DELIVERED, token)

    def missing(self):
        with self.lock:
            return self.acknowledged - self.delivered.keys()

    def duplicates(self):
        with self.lock:
            return sum(count - 1 for count in self.delivered.values() if count > 1)


class BookSink(Sink):
    """A sink that notes tokens. Recipients named later<n>@ are refused with 450 the first n times each message comes,
    never@ with 550 (its sender gets the report), all others are taken."""

    def __init__(self, books, port=None):
        super().__init__(port=port)
        self.books = books
        self.refused = {}
        self.replies["DATA"] = self._note
        self.replies["RCPT"] = self._recipient

    def _recipient(self, address):
        if address.startswith("never"):
            return "550 5.1.1 no such recipient"
        match = re.match(r"later(\d+)-(\S+)@", address)
        if match:
            seen = self.refused.get(match[2], 0)
            if seen < int(match[1]):
                self.refused[match[2]] = seen + 1
                return "450 4.2.0 try again later"
        return None

    def _note(self, message):
        for token in set(TOKEN.findall(message.content)):
            self.books.deliver(token.decode())
        self.messages.clear()
        return None


RECIPIENTS = ("user@sink.test", "user@sink.test", "user@sink.test", "later1-{token}@sink.test", "never@sink.test",
              "later2-{token}@sink.test")


def send_messages(port, books, source, count, stop=None, size=600):
    """One session after the other sends `count` messages; a broken session begins anew, as a real client would."""
    sent = 0
    client = None
    while sent < count and not (stop and stop.is_set()):
        token = f"{source}-{sent}"
        recipient = RECIPIENTS[sent % len(RECIPIENTS)].format(token=token)
        body = "x" * 70 + "\r\n"
        lines = 3000 if sent % 25 == 24 else size // 72
        content = f"From: source@sink.test\r\nSubject: token-{token}\r\n\r\n" + body * lines
        try:
            if client is None:
                client = smtplib.SMTP("127.0.0.1", port, local_hostname="source.test", timeout=30)
                client.ehlo()
            client.sendmail("source@sink.test", [recipient], content)
            books.acknowledge(token)
            sent += 1
        except (OSError, smtplib.SMTPException):
            client = None
            time.sleep(0.02)
    if client is not None:
        try:
            client.quit()
        except (OSError, smtplib.SMTPException):
            pass


def start_sources(port, books, sources, count, stop=None, first=0):
    threads = [threading.Thread(target=send_messages, args=(port, books, first + number, count, stop), daemon=True)
               for number in range(sources)]
    for thread in threads:
        thread.start()
    return threads


def wait_until_accounted(books, timeout, progress=None):
    """Waits until nothing is missing; returns what still is after `timeout` seconds without any delivery."""
    last_change, last_count = time.monotonic(), -1
    while books.missing():
        count = len(books.delivered)
        if count != last_count:
            last_change, last_count = time.monotonic(), count
        if time.monotonic() - last_change > timeout:
            return books.missing()
        if progress:
            progress()
        time.sleep(0.05)
    return set()
