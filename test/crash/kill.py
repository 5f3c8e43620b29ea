#!/usr/bin/python3
"""Kills: load, kill -9 of one program (or of all) at a random moment, restart, again; every acknowledged message must
arrive in the end, and none twice but in the windows that doc/queue-states.md names.

Two rounds of three set a trap instead: the process that comes first to an arrow of the table dies there, before, after
or in the middle of it, chosen so that all arrows are hit. Some rounds kill nobody and stop or reload the system in order.

Beside the clients, files of a Postfix before us come into the queue and are taken over all the time, and what waits for
some recipients is expired.

usage: kill.py [--rounds N] [--chunk N] [--seed N] [--keep DIRECTORY] [--every-arrow] [--orderly]

--orderly: nobody is killed, the system is only stopped and reloaded; then nothing may come twice at all.

Rounds are done in chunks, each with an instance and a seed of its own: --rounds 200 --seed (what the chunk printed)
does one of them again. What went wrong in a chunk is printed with it and the queue is kept if asked for; the last line
and the exit status are about all.
"""
import argparse
import collections
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import account  # noqa: E402
import recorded  # noqa: E402
import replay  # noqa: E402
from postfix_spool import PostfixSpool  # noqa: E402
from support.waiting import wait_until  # noqa: E402

VICTIMS = ("smtpd", "qmgr", "smtp", "bounce", "master", "pickup", "everything")
ORDERLY = ("stop", "reload")    # nobody dies
RECENT = 0.1            # seconds: a random kill so soon after an operation counts as a hit of its arrow
TRAP_PATIENCE = 4.0     # seconds that a trap waits for its arrow
# Seconds between what the sink notes and the mark, in a sanitizer build on a busy machine; either way, because the sink
# may read what a killed agent had sent to it only after the agent's death.
WINDOW = 2.0
# Whose death may repeat what (queue-states.md, "What may come twice"): an agent's what it had handed over and not marked
# yet; that of bounce or qmgr a report that was committed and not marked yet; pickup's what was committed and still lay
# in maildrop/. What was made twice is delivered at any time after.
MAY_SEND_TWICE = {"smtp", "everything"}
MAY_REPORT_TWICE = {"bounce", "qmgr", "everything"}
MAY_TAKE_TWICE = {"pickup", "everything"}


class Trap:
    """The file that tells the recorder where to kill."""

    def __init__(self, path):
        self.path = path
        self.hit_path = path.with_name(path.name + ".hit")

    def set(self, arrow, moment):
        temporary = self.path.with_name("trap.new")
        temporary.write_text(arrow.trap(moment))
        temporary.chmod(0o666)
        temporary.rename(self.path)

    def wait(self):
        """(process id, program) of who died, or None; the trap is gone then."""
        deadline = time.monotonic() + TRAP_PATIENCE
        while time.monotonic() < deadline and not self.hit_path.exists():
            time.sleep(0.01)
        self.path.unlink(missing_ok=True)
        while self.hit_path.exists():
            words = self.hit_path.read_text().split()
            if len(words) == 2:
                self.hit_path.unlink()
                return int(words[0]), words[1]
            time.sleep(0.01)
        return None


class Killer:
    """Does the rounds; keeps what was hit and who died when."""

    def __init__(self, instance, generator, orderly_only):
        self.instance = instance
        self.orderly_only = orderly_only
        self.generator = generator
        self.trap = Trap(instance.trap)
        self.log = replay.Log(instance.record)
        self.last = {}                          # pid -> its last record
        self.hits = collections.Counter()
        self.deaths = []                        # (time, program)
        self.missed = collections.Counter()
        self.orderly = collections.Counter()

    def follow(self):
        for record in self.log.read():
            self.last[record.pid] = record

    def round(self, number):
        if self.orderly_only:
            time.sleep(self.generator.uniform(0.02, 0.8))
            self.kill(self.generator.choice(ORDERLY))
        elif number % 3 == 0:
            self.kill_at_random()
        else:
            self.kill_at_an_arrow()
        self.instance.start_again()

    def kill_at_an_arrow(self):
        wanted = [arrow for arrow in replay.ARROWS if not arrow.rare]
        fewest = min(self.hits[arrow.name] + self.missed[arrow.name] for arrow in wanted)
        arrow = self.generator.choice([arrow for arrow in wanted
                                       if self.hits[arrow.name] + self.missed[arrow.name] == fewest])
        moment = self.generator.choice(["before", "after"] + ["half"] * (arrow.kind == replay.WRITE and arrow.tag < 0))
        self.trap.set(arrow, moment)
        dead = self.trap.wait()
        if dead is None:
            self.missed[arrow.name] += 1
            return
        self.deaths.append((time.time(), dead[1]))
        self.hits[arrow.name] += 1
        if self.generator.random() < 0.3:
            self.kill("everything")

    def kill_at_random(self):
        time.sleep(self.generator.uniform(0.02, 0.5))
        pids = self.kill(self.generator.choice(VICTIMS + ORDERLY))
        now = time.time()
        self.follow()
        for pid in pids:
            record = self.last.get(pid)
            if record and now - record.time / 1e6 < RECENT:
                self.hits[replay.arrow_of(record) or "between arrows"] += 1

    def kill(self, victim):
        if victim == "everything":
            pids = list(self.instance.processes())
            self.instance.kill_all()
        elif victim in ORDERLY:
            pids = []
            self.orderly[victim] += 1
            self.instance.run("postfix", "-c", self.instance.config, victim, check=False, timeout=60)
            if victim == "stop":
                wait_until(lambda: not self.instance.pids("master"), "the end of master")
        else:
            pids = self.instance.kill(victim, signal.SIGKILL)
        if pids:
            self.deaths.append((time.time(), victim))
        return pids

    def is_excused(self, repetition):
        """Whether somebody died at the moment in which that may repeat something."""
        if repetition.sent_twice:
            return any(program in MAY_SEND_TWICE and abs(moment - repetition.first) <= WINDOW
                       for moment, program in self.deaths)
        reported = repetition.key.endswith("/report")
        submitted = repetition.key.startswith(f"{recorded.SOURCES}-")
        who = (MAY_REPORT_TWICE if reported else set()) | (MAY_TAKE_TWICE if submitted else set())
        return any(program in who and moment <= repetition.second for moment, program in self.deaths)


def release_held(instance, spool):
    """Mail of Postfix that was on hold; perhaps in vain, since somebody may just have been killed."""
    try:
        spool.release()
        # A file that somebody puts into deferred/ is found when it is looked through the next time, or by a flush.
        instance.run("postqueue", "-f", check=False, timeout=60)
    except subprocess.TimeoutExpired:
        print(f"postsuper -H or postqueue -f did not end: {instance.processes()}", flush=True)


def run_chunk(rounds, seed, totals, options):
    """So many rounds over one instance."""
    books = account.Books()
    with account.BookSink(books) as sink:
        instance = recorded.RecordedInstance(**recorded.parameters(sink.port))
        try:
            instance.prepare()
            instance.expect_problem(r"killed by signal 9|already running|postdrop ended with|master did not start")
            # postdrop was killed after it had answered with the queue id, and before it ended.
            instance.expect_problem(r"sendmail\[\d+\]: fatal: \S+\(\d+\): [0-9A-F]+$")
            # The queue manager was killed while postsuper -e or -H waited for it, or had just been started again.
            instance.expect_problem(r"postsuper\[\d+\]: fatal: (no answer of the queue manager|another process schedules)")
            instance.start()
            spool, stop = PostfixSpool(instance, books), threading.Event()
            feeder = threading.Thread(target=spool.feed, args=(stop,), daemon=True)
            feeder.start()
            threads = account.start_sources(instance, books, recorded.SOURCES, 10 ** 9, stop, submissions=10 ** 9)
            killer = Killer(instance, random.Random(seed), options.orderly)
            with account.expiring(instance):
                for number in range(rounds):
                    killer.round(number)
                    if number % 10 == 9:
                        release_held(instance, spool)
                stop.set()
                for thread in [*threads, feeder]:
                    thread.join(60)
                instance.start_again()
                release_held(instance, spool)
                missing = account.wait_until_accounted(books, recorded.QUIET, instance.start_again)
            good = totals.add(killer, books, spool, missing, instance.problems())
            if not good and options.keep:
                shutil.copytree(instance.directory, pathlib.Path(options.keep) / f"kill-{seed}", dirs_exist_ok=True,
                                ignore=shutil.ignore_patterns("public", "private"))
        finally:
            instance.close()


class Totals:
    """Adds up the chunks; prints what went wrong in one."""

    def __init__(self):
        self.victims, self.hits, self.missed = collections.Counter(), collections.Counter(), collections.Counter()
        self.acknowledged = self.lost = self.sent_twice = self.made_twice = self.unexcused = self.postfix = 0
        self.done_again = self.bad = 0

    def add(self, killer, books, spool, missing, problems):
        """True if all is well."""
        repeated, done_again = books.repetitions(), spool.delivered_again()
        unexcused = [repetition for repetition in repeated if not killer.is_excused(repetition)]
        self.victims.update(program for _, program in killer.deaths)
        self.victims.update(killer.orderly)
        self.hits.update(killer.hits)
        self.missed.update(killer.missed)
        self.acknowledged += len(books.promised)
        self.postfix += len(spool.own)
        self.lost += len(missing)
        self.sent_twice += sum(item.sent_twice for item in repeated)
        self.made_twice += sum(not item.sent_twice for item in repeated)
        self.unexcused += len(unexcused)
        self.done_again += len(done_again)
        for item in unexcused[:10]:
            near = [(round(moment - item.first, 2), who) for moment, who in killer.deaths
                    if -3 < moment - item.first < 5]
            print(f"{item}: deaths relative to the first: {near}")
        good = not (missing or problems or unexcused or done_again)
        if not good:
            self.bad += 1
            print(f"lost: {sorted(missing)[:20]}", f"done before, and again: {done_again[:5]}", problems[:5],
                  killer.instance.log()[-4000:], sep="\n")
        return good

    def untouched(self):
        return [arrow.name for arrow in replay.ARROWS if not arrow.rare and not self.hits[arrow.name]]

    def show(self, rounds):
        print("victims: " + ", ".join(f"{name} {count}" for name, count in sorted(self.victims.items())))
        if self.hits or self.missed:
            self.show_arrows()
        print(f"kill: {rounds} rounds, {self.acknowledged} acknowledged ({self.postfix} in files of Postfix), "
              f"{self.lost} lost, {self.sent_twice} sent twice, {self.made_twice} made twice, {self.unexcused} of them "
              f"outside of the window, {self.done_again} again that Postfix had done; {self.bad} chunks went wrong",
              flush=True)

    def show_arrows(self):
        print("kills by arrow: " + ", ".join(f"{name} {count}" for name, count in sorted(self.hits.items())))
        print("arrows without a kill: " + (", ".join(f"{name} ({self.missed[name]} tries)"
                                                     for name in self.untouched()) or "none"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--chunk", type=int, default=200, help="rounds over one instance")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", help="copy the instance of a chunk that went wrong here")
    parser.add_argument("--every-arrow", action="store_true", help="fail if an arrow was not hit")
    parser.add_argument("--orderly", action="store_true", help="stop and reload, kill nobody")
    options = parser.parse_args()
    totals = Totals()
    for done in range(0, options.rounds, options.chunk):
        rounds, seed = min(options.chunk, options.rounds - done), options.seed + done
        print(f"kill: seed {seed}, {rounds} rounds", flush=True)
        run_chunk(rounds, seed, totals, options)
    totals.show(options.rounds)
    return 1 if totals.bad or (options.every_arrow and totals.untouched()) else 0


if __name__ == "__main__":
    sys.exit(main())
