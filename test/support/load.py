"""Steady mail from several clients, with the books of what was acknowledged: for tests that disturb a running system.

    with Load(instance) as load:
        load.wait_for(20)           # acknowledged messages
        ...
    load.wait_until_arrived(sink)

Every message has a token of its own, a new one for each attempt, in its subject and its content.
"""
import collections
import contextlib
import itertools
import re
import subprocess
import threading
import time

from support.smtp_client import Disconnected
from support.waiting import PATIENCE, wait_until

LINE = b"x" * 70 + b"\r\n"


class Load:
    """Two SMTP clients and one that calls sendmail, each in a thread that goes on whatever it is told.

    acknowledged: tokens that were answered with 250 or exit status 0. replies: what ended the other attempts: "452
    4.3.1 ...", "sendmail 75: ...", or "lost: ..." for a connection that broke. `lines` is the length of a message, or
    several to take in turn.
    """

    def __init__(self, instance, recipient="bob@far.test", lines=(20,), pause=0.02, sendmail=True):
        self.instance = instance
        self.recipient = recipient
        self.acknowledged = []
        self.replies = collections.Counter()
        self._lines, self._pause = lines, pause
        self._stop = threading.Event()
        ways = [self._over_smtp, self._over_smtp] + [self._through_sendmail] * sendmail
        self._threads = [threading.Thread(target=self._run, args=(way, number), daemon=True)
                         for number, way in enumerate(ways)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count):
        """Until so many more messages are acknowledged than now."""
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal,
                   lambda: f"{goal} acknowledged messages; {self.replies}; log:\n{self.instance.log()[-3000:]}")

    def wait_for_reply(self, pattern, count=1):
        """Until so many attempts have ended with such a reply."""
        def number():
            return sum(times for reply, times in list(self.replies.items()) if re.match(pattern, reply))
        goal = number() + count
        wait_until(lambda: number() >= goal,
                   lambda: f"{goal} replies {pattern!r}; {self.replies}; log:\n{self.instance.log()[-3000:]}")

    def missing(self, contents):
        """The acknowledged tokens that are in none of these contents (bytes)."""
        found = set(re.findall(rb"token-\d+-\d+\.", b"".join(contents)))
        return [token for token in self.acknowledged if token.encode() not in found]

    def wait_until_arrived(self, sink, timeout=4 * PATIENCE):
        """Until the sink has every acknowledged message."""
        def missing():
            return self.missing([message.content[-200:] for message in list(sink.messages)])
        wait_until(lambda: not missing(), lambda: f"{missing()[:10]} of {len(self.acknowledged)}; queue:\n"
                   f"{self.instance.run('postqueue', '-p', check=False).stdout.decode()[:3000]}\nlog:\n"
                   f"{self.instance.log()[-6000:]}", timeout, interval=0.1)

    # --- the threads

    def _run(self, way, number):
        for count in itertools.count():
            if self._stop.is_set():
                return
            token = f"token-{number}-{count}."
            length = self._lines[count % len(self._lines)]
            try:
                reply = way(token, LINE * length + f"{token}\r\n".encode())
            except (OSError, EOFError, Disconnected, subprocess.SubprocessError) as error:
                reply = f"lost: {type(error).__name__}"
            if reply is None:
                self.acknowledged.append(token)
            else:
                self.replies[reply] += 1
            time.sleep(self._pause)

    def _over_smtp(self, token, body):
        with contextlib.ExitStack() as stack:
            client = self.instance.smtp(ehlo=None)
            stack.callback(client.close)
            for step in (client.reply, client.ehlo, lambda: client.mail("ann@near.test"),
                         lambda: client.rcpt(self.recipient),
                         lambda: client.data(f"Subject: {token}\r\n\r\n".encode() + body)):
                reply = step()
                if reply.code // 100 != 2:
                    return str(reply)
        return None

    def _through_sendmail(self, token, body):
        result = self.instance.sendmail("-oi", "-f", "ann@near.test", self.recipient, check=False,
                                        stdin=f"Subject: {token}\n\n".encode() + body.replace(b"\r\n", b"\n"))
        if result.returncode == 0:
            return None
        return f"sendmail {result.returncode}: {result.stderr.decode(errors='replace')[-300:]}"
