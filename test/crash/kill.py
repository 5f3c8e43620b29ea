#!/usr/bin/python3
"""Kills: load, kill -9 of one process (or of all) at a random moment, restart, again; every acknowledged message must
arrive in the end. What the killed process did last tells which arrow of doc/queue-states.md was cut.

usage: kill.py [--rounds N] [--seed N]
"""
import argparse
import collections
import os
import pathlib
import random
import signal
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import account  # noqa: E402
import powercut  # noqa: E402
import replay  # noqa: E402
from support.paths import BUILD  # noqa: E402

VICTIMS = ("smtpd", "qmgr", "smtp", "bounce", "master", "everything")


def last_operations(log, start, pids):
    """What each of these processes did last, and the position in the log where the next look begins."""
    records = replay.read_log(log)
    last = {}
    for record in records[start:]:
        if record.pid in pids:
            last[record.pid] = record
    return last.values(), len(records)


def kill_one(instance, victim):
    """kill -9 of every process of a program; returns their ids."""
    if victim == "everything":
        pids = list(instance.processes())
        instance.kill_all()
        return pids
    return instance.kill(victim, signal.SIGKILL)


def restart(instance):
    """After the master or all died: what an administrator does. Services that died alone come back by themselves."""
    deadline = time.monotonic() + 30
    while not instance.pids("master"):
        result = instance.run("postfix", "-c", instance.config, "start", check=False)
        if result.returncode and time.monotonic() > deadline:
            raise AssertionError(f"the system does not start again: {result.stderr.decode()}\n{instance.log()[-3000:]}")
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    generator = random.Random(options.seed)
    print(f"kill: seed {options.seed}, {options.rounds} rounds")
    books = account.Books()
    hits, victims = collections.Counter(), collections.Counter()
    layout = replay.segment_parts(powercut.SEGMENT_SIZE)
    with account.BookSink(books) as sink:
        instance = powercut.RecordedInstance(**powercut.parameters(sink.port))
        try:
            log = instance.directory / "record"
            log.touch()
            log.chmod(0o666)
            instance.recorder = {"LD_PRELOAD": str(BUILD / "test" / "librecorder.so"),
                                 "RECORD_DIRECTORY": str(instance.queue), "RECORD_LOG": str(log)}
            instance.expect_problem(r"killed by signal 9")
            instance.start()
            stop = threading.Event()
            threads = account.start_sources(instance.smtp_port, books, 4, 10 ** 9, stop)
            position = 0
            for _ in range(options.rounds):
                time.sleep(generator.uniform(0.02, 0.6))
                victim = generator.choice(VICTIMS)
                pids = kill_one(instance, victim)
                if pids:
                    victims[victim] += 1
                time.sleep(0.02)
                cut, position = last_operations(log, position, set(pids))
                hits.update(replay.arrow_of(record, layout) or "between arrows" for record in cut)
                restart(instance)
                if position > 200_000:
                    os.truncate(log, 0)
                    position = 0
            stop.set()
            for thread in threads:
                thread.join(60)
            missing = account.wait_until_accounted(books, powercut.QUIET, lambda: restart(instance))
            problems = instance.problems()
            print("victims: " + ", ".join(f"{name} {count}" for name, count in sorted(victims.items())))
            print("kills by arrow: " + ", ".join(f"{name} {count}" for name, count in sorted(hits.items())))
            print(f"kill: {options.rounds} rounds, {len(books.acknowledged)} acknowledged, {len(missing)} lost, "
                  f"{books.duplicates()} delivered again")
            if missing or problems:
                print(sorted(missing)[:20], problems[:5], instance.log()[-4000:], sep="\n")
                return 1
        finally:
            instance.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
