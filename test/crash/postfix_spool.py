"""The spool of a Postfix that was here before: files in its format, promised like mail that was acknowledged.

They are copies of test/golden/postfix with a token of their own in place of the Message-ID: header, which has the same
length, so that everything else in the file stays true.
"""
import itertools
import os
import pathlib
import shutil
import threading
import time

from support import configuration

import recorded

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "postfix"
REPLACED = b"Message-ID: <1@example.com>"
# Which file, and who is still to get it. What Postfix had done of partly-done is left out: see forbidden().
SAMPLES = (("hold", ("x@far.test",)), ("virtual-alias", ("x1@far.test", "x2@far.test")),
           ("partly-done", ("x2@far.test", "x4@far.test")), ("requeued", ("x@far.test",)))
DONE_BEFORE = {"partly-done": ("ok1@far.test", "bad3@far.test")}
PLACES = ("deferred", "incoming", "maildrop", "deferred", "hold")
SOURCE = 90                     # in the tokens, as if it were one more client
SUBMISSION = 90_000_000         # what goes through pickup has numbers from here on among those of sendmail
WAITING = 40                    # promises that the feeder runs ahead of the deliveries


class PostfixSpool:
    """Puts files into an instance's queue. Thread-safe towards itself: one feeder at a time."""

    def __init__(self, instance, books):
        self.instance, self.books = instance, books
        self.numbers = itertools.count(1)
        self.own = set()        # the keys that were promised here
        self.forbidden = set()  # of recipients that Postfix had done

    def leave(self, place):
        """One more file in this queue of a system that runs or is down."""
        number = next(self.numbers)
        sample, recipients = SAMPLES[-1] if place == "maildrop" else SAMPLES[number % len(SAMPLES)]
        token = f"{recorded.SOURCES}-{SUBMISSION + number}" if place == "maildrop" else f"{SOURCE}-{number}"
        header = f"X-Crash: token-{token}".encode().ljust(len(REPLACED))
        content = (GOLDEN / sample).read_bytes()
        assert content.count(REPLACED) == 1 and len(header) == len(REPLACED)
        queue_id = f"{number % 0xfffff:05X}{0x8A00000 + number:X}"
        # Complete and with its times before it is in the queue: it has been there for long.
        path = self.instance.directory / f"for-the-queue-{threading.get_ident()}"
        path.write_bytes(content.replace(REPLACED, header))
        path.chmod(0o700)
        past = time.time() - 60
        os.utime(path, (past, past))
        directory = self.instance.queue / place
        if place == "deferred":
            directory /= queue_id[0]
            self._make(directory)
        self._give_away(path)
        path.rename(directory / queue_id)
        keys = {f"{token}/{recipient}" for recipient in recipients}
        self.forbidden |= {f"{token}/{recipient}" for recipient in DONE_BEFORE.get(sample, ())}
        self.own |= keys
        self.books.promise(keys)

    def feed(self, stop):
        """Goes on until told to stop, never far ahead of what arrives. Files on hold wait for release()."""
        for place in itertools.cycle(PLACES):
            while not stop.is_set() and len(self.own & self.books.missing()) > WAITING:
                stop.wait(0.1)
            if stop.wait(0.1):
                return
            self.leave(place)

    def release(self):
        self.instance.run("postsuper", "-H", "ALL", check=False, timeout=60)

    def delivered_again(self, books=None):
        """Keys of recipients that Postfix had done, and that got the message once more, as these books say."""
        books = books or self.books
        with books.lock:
            return sorted(self.forbidden & books.delivered.keys())

    def _make(self, directory):
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._give_away(directory)

    @staticmethod
    def _give_away(path):
        if configuration.is_root():
            shutil.chown(path, configuration.MAIL_OWNER, configuration.MAIL_OWNER)
