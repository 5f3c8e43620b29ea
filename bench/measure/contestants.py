"""Who takes part: a mail system under test, and the yardsticks that show what the machine can do at all.

Each has a label (a column of the table), and run(case, messages), which returns the seconds that the case took.
"""
import contextlib
import os
import pathlib
import shutil
import time

from measure import PLACE
from measure.load import disk_rate
from support.configuration import is_root
from support.instance import Instance, kill_all_of
from support.waiting import wait_until

NO_STORAGE, DISK, POSTFIX, POSTHASTE = "no storage", "dd", "Postfix", "Posthaste"


class Yardstick:
    """Has nothing that stays from one measurement to the next."""

    def settle(self):
        pass

    def drain(self):
        pass

    def processor_seconds(self):
        return None


class Sink(Yardstick):
    """smtp-sink in the place of a mail system: what clients and the loopback cost alone."""
    label = NO_STORAGE

    def run(self, case, messages):
        with case.generator.sink() as (port, _):
            return case.generator.send(port, case.load, messages, case.recipient)


class Disk(Yardstick):
    """The volume of the messages, written with one sync at the end: what the disk gives."""
    label = DISK

    def run(self, case, messages):
        volume = messages * case.load.length
        return volume / disk_rate(PLACE, volume)


class MailSystem:
    """A running instance. Both kinds live below one directory, keep their defaults (a queue that is synchronous, with
    journal segments of the usual size), and write maillog_file; nobody is limited, and every domain of the benchmark
    leads where the case says."""

    def __init__(self, label, kind, routes):
        self.label, self.kind = label, kind
        directory = PLACE / label.replace(" ", "-").lower()
        kill_all_of(directory / "q")            # what a run that was killed has left
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        transport_maps = ", ".join(f"{{{domain}={route}}}" for domain, route in routes.items())
        settings = {"mynetworks": "127.0.0.0/8", "mydestination": "mbox.test, maildir.test", "message_size_limit": "0",
                    "mailbox_size_limit": "0", "smtpd_client_connection_count_limit": "0",
                    "transport_maps": f"inline:{{{transport_maps}}}"}
        if kind == "posthaste":
            settings["queue_journal_segment_size"] = None        # the default, not that of tests
        self.instance = Instance(kind=kind, directory=directory, **settings)
        # home_mailbox belongs to one service, so that both kinds of mailboxes are there at once.
        home = self.instance.home_relative("home/Maildir/")
        self.instance.master = f"maildir unix - n n - - local\n  -o home_mailbox={home}"
        self.instance.write_configuration()
        (directory / "home").mkdir()
        if is_root():
            shutil.chown(directory / "home", self.instance.user)

    def start(self):
        self.instance.start()

    def close(self):
        self._stopping(self.instance.close)

    def restart(self):
        """With as few processes, and as little memory, as it has after a start."""
        self._stopping(self.instance.stop)
        self.instance.start()

    def _stopping(self, stop):
        try:
            stop()
        except AssertionError:      # Postfix's postlogd sometimes stays; then it has been killed
            print(f"{self.label}: some of its processes did not stop when they should have")

    def run(self, case, messages):
        return case.run(self, messages)

    @property
    def port(self):
        return self.instance.smtp_port

    def drain(self):
        """Waits until nothing is left to do."""
        wait_until(self.instance.queue_is_empty, lambda: f"{self.label}: the queue stays full\n" +
                   self.instance.log()[-3000:], timeout=600, interval=0.2)

    @contextlib.contextmanager
    def counting_deliveries(self):
        """Yields a function that waits until so many recipients have been delivered since now, by the log."""
        with open(self.instance.maillog, "rb") as log:
            log.seek(0, os.SEEK_END)
            delivered = 0
            rest = b""

            def enough(count):
                nonlocal delivered, rest
                text = rest + log.read()
                complete = text.rfind(b"\n") + 1
                delivered += text.count(b", status=sent ", 0, complete)
                rest = text[complete:]
                return delivered >= count

            yield lambda count: wait_until(lambda: enough(count), lambda: f"{count} deliveries, {delivered} so far",
                                           timeout=600, interval=0.01)

    def empty_mailboxes(self):
        shutil.rmtree(self.instance.directory / "home" / "Maildir", ignore_errors=True)
        self.instance.mailbox_path().unlink(missing_ok=True)

    def processor_seconds(self):
        """What the instance's processes have used so far, those that are gone included (master waited for them)."""
        ticks = 0
        for pid in self.instance.processes():
            with contextlib.suppress(OSError):
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))          # utime, stime, and those of children
        return ticks / os.sysconf("SC_CLK_TCK")

    def private_memory(self):
        """Bytes that only the instance's processes use."""
        total = 0
        for pid in self.instance.processes():
            with contextlib.suppress(OSError):
                for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith(("Private_Clean:", "Private_Dirty:")):
                        total += int(line.split()[1]) * 1024
        return total

    def settle(self):
        """Lets what belongs to the measurement before come to an end."""
        os.sync()
        time.sleep(0.1)
