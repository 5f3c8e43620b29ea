"""The books of a crash test: everything that was promised by an acknowledgement, and everything that arrived.

Each message carries a token, a new one for each attempt to send it, so that a client's own repetition is not taken for
a duplicate. What is promised for a message is one key for each recipient: "token/recipient", or "token/report" for one
whose delivery fails or that is expired. The source notes keys when it has read the 250 to the final dot; the sink notes them before it
answers.
"""
import collections
import contextlib
import dataclasses
import itertools
import re
import smtplib
import subprocess
import threading
import time

from support.sink import Sink

import replay

TOKEN = re.compile(rb"token-([0-9]+-[0-9]+)")
MOST_WAITING = 300      # promises that the sources run ahead of the deliveries


@dataclasses.dataclass
class Repetition:
    """Something that arrived again. Sent twice: the same stored message; else it was made twice (a report, or a file of
    maildrop/ that was taken twice), and both were sent."""
    key: str
    first: float
    second: float
    sent_twice: bool


class Books:
    """Thread-safe: promised keys, and what arrived for each and when: (time, hash of the content), so that a stored
    message that was sent twice can be told from one that was made twice. Notes go to the recorder's log if there is
    one."""

    def __init__(self, log=None):
        self.log = log
        self.lock = threading.Lock()
        self.promised = set()
        self.delivered = collections.defaultdict(list)

    def promise(self, keys):
        with self.lock:
            for key in keys:
                self.promised.add(key)
                if self.log:
                    replay.append_note(self.log, replay.ACKNOWLEDGED, key)

    def deliver(self, key, content):
        with self.lock:
            self.delivered[key].append((time.time(), hash(content)))
            if self.log:
                replay.append_note(self.log, replay.DELIVERED, key)

    def missing(self):
        with self.lock:
            return self.promised - self.delivered.keys()

    def count(self):
        with self.lock:
            return sum(map(len, self.delivered.values()))

    def repetitions(self):
        """A Repetition for each delivery after the first of the same content; and for each further content."""
        found = []
        with self.lock:
            for key, deliveries in self.delivered.items():
                seen = {}
                for when, content in deliveries:
                    if content in seen:
                        found.append(Repetition(key, seen[content], when, sent_twice=True))
                    elif seen:
                        found.append(Repetition(key, min(seen.values()), when, sent_twice=False))
                    seen[content] = when
        return found


class BookSink(Sink):
    """A sink that notes keys. Recipients named later<n>-... are refused with 450 the first n times each message comes,
    never@ with 550 (its sender gets the report), expired-... with 450 whenever they come (the report comes when somebody
    expires the message), all others are taken."""

    def __init__(self, books, port=None):
        super().__init__(port=port)
        self.books = books
        self.refused = collections.Counter()
        self.replies["DATA"] = self._note
        self.replies["RCPT"] = self._recipient

    def _recipient(self, address):
        if address.startswith("never"):
            return "550 5.1.1 no such recipient"
        if address.startswith("expired"):
            return "450 4.2.0 try again later"
        match = re.match(r"later(\d+)-", address)
        if match and self.refused[address] < int(match[1]):
            self.refused[address] += 1
            return "450 4.2.0 try again later"
        return None

    def _note(self, message):
        for token in {found.decode() for found in TOKEN.findall(message.content)}:
            names = message.recipients if message.sender.strip("<>") else ("report",)
            for name in names:
                self.books.deliver(f"{token}/{name}", message.content)
        self.messages.clear()
        return None


RECIPIENTS = (("user@sink.test",), ("user@sink.test", "other@sink.test"), ("later1-{token}@sink.test",),
              ("never@sink.test",), ("user@sink.test",), ("never@sink.test", "later1-{token}@sink.test"),
              ("later2-{token}@sink.test",), ("expired-{token}@sink.test",),
              ("user@sink.test", "expired-{token}@sink.test"))
REPORTED = ("never", "expired")     # recipients whose sender gets a report
LINE = "x" * 70 + "\r\n"


def message(source, number):
    """(sender, recipients, content, keys) of a source's n-th message: mostly small, some medium, some with a file of
    their own, some put on hold by header_checks. Which kind comes with which recipients varies."""
    token = f"{source}-{number}"
    recipients = [name.format(token=token) for name in RECIPIENTS[number % len(RECIPIENTS)]]
    lines = 1400 if number % 10 == 9 else 300 if number % 10 == 4 else 8
    hold = "X-Hold: yes\r\n" if number % 40 == 7 else ""
    content = f"From: source@sink.test\r\nSubject: token-{token}\r\n{hold}\r\n" + LINE * lines
    keys = [f"{token}/report" if name.startswith(REPORTED) else f"{token}/{name}" for name in recipients]
    return "source@sink.test", recipients, content, keys


def send_messages(port, books, source, count, stop):
    """One session after the other sends until `count` were acknowledged; a broken session begins anew, as a real
    client would."""
    client, sent, number = None, 0, 0
    while sent < count and not stop.is_set():
        if len(books.missing()) > MOST_WAITING:
            time.sleep(0.05)
            continue
        sender, recipients, content, keys = message(source, number)
        number += 1
        try:
            if client is None:
                client = smtplib.SMTP("127.0.0.1", port, local_hostname="source.test", timeout=30)
                client.ehlo()
            refused = client.sendmail(sender, recipients, content)
            books.promise(key for key in keys if key.partition("/")[2] not in refused)
            sent += 1
        except (OSError, smtplib.SMTPException):
            client = None
            time.sleep(0.02)
    if client is not None:
        client.close()


def submit_messages(instance, books, source, count, stop):
    """The same through sendmail and maildrop/."""
    sent, number = 0, 0
    while sent < count and not stop.is_set():
        sender, recipients, content, keys = message(source, number)
        number += 1
        if instance.sendmail("-oi", "-f", sender, *recipients, stdin=content.replace("\r\n", "\n"),
                             check=False).returncode == 0:
            books.promise(keys)
            sent += 1
        stop.wait(0.1)


def start_sources(instance, books, sources, count, stop, submissions=0):
    """Threads: `sources` SMTP clients with `count` messages each, and one that calls sendmail."""
    threads = [threading.Thread(target=send_messages, args=(instance.smtp_port, books, number, count, stop), daemon=True)
               for number in range(sources)]
    if submissions:
        threads.append(threading.Thread(target=submit_messages, args=(instance, books, sources, submissions, stop),
                                        daemon=True))
    for thread in threads:
        thread.start()
    return threads


def expire_messages(instance, stop, releasing):
    """What an administrator does who wants no more of what waits for expired-... recipients; again and again, because the
    queue manager may be killed before it has heard of it. `releasing`: also of what is put on hold meanwhile."""
    while not stop.wait(1):
        try:
            if releasing:
                instance.run("postsuper", "-H", "ALL", check=False, timeout=60)
            waiting = instance.run("postqueue", "--ids", "--to", "expired-*@*", check=False, timeout=60).stdout
            if waiting:
                instance.run("postsuper", "-e", "-", stdin=waiting, check=False, timeout=60)
        except subprocess.TimeoutExpired:
            print(f"postqueue or postsuper -e did not end: {instance.processes()}", flush=True)


@contextlib.contextmanager
def expiring(instance, releasing=False):
    """Within it, expire_messages() runs."""
    stop = threading.Event()
    thread = threading.Thread(target=expire_messages, args=(instance, stop, releasing), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(120)


def wait_until_accounted(books, timeout, progress=None):
    """Waits until nothing is missing; returns what still is after `timeout` seconds without any delivery."""
    last_change, last_count = time.monotonic(), -1
    while books.missing():
        count = books.count()
        if count != last_count:
            last_change, last_count = time.monotonic(), count
        if time.monotonic() - last_change > timeout:
            return books.missing()
        if progress:
            progress()
        time.sleep(0.05)
    return set()
