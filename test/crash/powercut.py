#!/usr/bin/python3
"""Power cuts: records a run under load from outside the product, builds disks as a cut could have left them, and lets
each be recovered by the real system. Every message that had been acknowledged before the cut must arrive, and none
again that had arrived longer before the cut than marks take to become durable. From the beginning the queue has files of
a Postfix that was here before.

usage: powercut.py [--images N] [--messages N] [--chunk N] [--seed N] [--keep DIRECTORY] [--every-arrow]

Images are made in chunks, each of a recorded run and with a seed of its own. What went wrong is printed with the image;
the last line and the exit status are about all.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import account  # noqa: E402
import recorded  # noqa: E402
import replay  # noqa: E402
from postfix_spool import PostfixSpool  # noqa: E402
from support.instance import Instance  # noqa: E402

WORKERS = 2
# Marks become durable within a second (queue-states.md); a sanitizer build on a busy machine may take longer over it.
WINDOW = 3.0
FILES_OF_POSTFIX = 60
PLACES_OF_POSTFIX = ("deferred", "incoming", "active", "maildrop", "deferred", "hold")


def record_run(instance, books, spool, messages):
    """One run under load with every file operation recorded; returns (records, base disk)."""
    instance.start()
    instance.stop()
    for number in range(FILES_OF_POSTFIX):
        spool.leave(PLACES_OF_POSTFIX[number % len(PLACES_OF_POSTFIX)])
    disk = base_disk(instance.queue)
    instance.prepare()
    books.log = instance.record
    instance.start()
    threads = account.start_sources(instance, books, recorded.SOURCES, messages // recorded.SOURCES, threading.Event(),
                                    submissions=max(5, messages // 40))
    spool.release()     # what Postfix left there; what is held meanwhile is released at the end
    with account.expiring(instance):
        for thread in threads:
            thread.join(300)
        spool.release()
        missing = account.wait_until_accounted(books, recorded.QUIET)
    books.log = None
    instance.stop()
    if missing:
        raise AssertionError(f"{len(missing)} messages did not arrive even without a cut: {sorted(missing)[:5]}")
    return replay.read_log(instance.record), disk


def base_disk(queue):
    """The disk as it is before the recording begins; all of it durable."""
    disk = replay.Disk()
    for path in sorted(queue.rglob("*")):
        name = str(path.relative_to(queue))
        if path.is_dir():
            disk.names[name] = "directory"
        elif path.is_file():
            status = path.stat()
            disk.add_durable(name, status.st_ino, path.read_bytes(), status.st_mode & 0o7777)
    disk.now = dict(disk.names)
    return disk


class Cut:
    """One image: which keys were promised and delivered before it, and what became of it."""

    def __init__(self, number, place, arrow, promised, delivered, moment):
        self.number, self.place, self.arrow, self.moment = number, place, arrow, moment
        self.image = pathlib.Path(tempfile.mkdtemp(prefix="phi-", dir="/tmp"))
        self.books = account.Books()
        self.books.promised = set(promised)
        for key, times in delivered.items():
            self.books.delivered[key] = [(when, None) for when in times]
        self.missing, self.problems, self.traces, self.log, self.done_again = set(), [], [], "", []

    def repeated(self):
        """(all that came again after the cut, key and age of those of them that had come too long before it)"""
        after = [repetition for repetition in self.books.repetitions() if repetition.second > self.moment]
        return after, [(item.key, self.moment - item.first) for item in after if self.moment - item.first > WINDOW]


def traces(cut, instance, key):
    """What there is to know of a key that did not arrive: where the image and the recovered queue still have its
    message, and what was logged of its recipient."""
    token, _, name = key.partition("/")
    mark = re.compile(rb"token-%s\b" % token.encode())
    for place, root in (("image", cut.image), ("recovered queue", instance.queue)):
        for path in sorted(root.rglob("*")):
            if path.is_file() and (found := mark.search(path.read_bytes())):
                yield f"{key}: in the {place}: {path.relative_to(root)} at {found.start()}"
    for line in cut.log.splitlines():
        if name in line:
            yield f"{key}: {line}"


def recover(cut, spool, owners):
    """Starts the system over the image and waits until everything has arrived."""
    with account.BookSink(cut.books) as sink:
        instance = Instance(**recorded.parameters(sink.port))
        try:
            shutil.rmtree(instance.queue)
            shutil.copytree(cut.image, instance.queue)
            instance.queue.chmod(0o755)
            if os.getuid() == 0:
                for path in instance.queue.rglob("*"):
                    os.chown(path, *owners(path.relative_to(instance.queue).parts[0]))
            instance.start()
            with account.expiring(instance, releasing=True):
                cut.missing = account.wait_until_accounted(cut.books, recorded.QUIET)
            time.sleep(0.3)         # for repetitions
            cut.problems, cut.log = instance.problems(), instance.log()
            cut.done_again = spool.delivered_again(cut.books)
            cut.traces = [trace for key in sorted(cut.missing)[:5] for trace in traces(cut, instance, key)]
        finally:
            instance.kill_all()
            instance.close()
    return cut


def places_of(records, images, generator):
    """Where to cut, ascending: every other one after an arrow of the table in turn, the rest anywhere."""
    by_arrow = collections.defaultdict(list)
    for index, record in enumerate(records):
        arrow = replay.arrow_of(record)
        if arrow:
            by_arrow[arrow].append(index + 1)
    arrows = generator.sample(sorted(by_arrow), len(by_arrow))
    places = [generator.choice(by_arrow[arrows[number // 2 % len(arrows)]]) if number % 2 == 0
              else generator.randrange(1, len(records) + 1) for number in range(images)]
    return sorted(places)


def cuts(records, disk, places, generator, promised):
    """Yields a Cut with its image for each place. promised: keys of what was in the queue from the beginning."""
    promised, delivered, index = set(promised), collections.defaultdict(list), 0
    for number, place in enumerate(places):
        for record in records[index:place]:
            if record.kind == replay.ACKNOWLEDGED:
                promised.add(record.path)
            elif record.kind == replay.DELIVERED:
                delivered[record.path].append(record.time / 1e6)
            else:
                disk.step(record)
        index = place
        last = records[place - 1]
        cut = Cut(number, place, replay.arrow_of(last) or "between arrows", promised, delivered, last.time / 1e6)
        disk.cut(cut.image, generator)
        yield cut


class Totals:
    """Adds up the images; prints those that went wrong."""

    def __init__(self, keep):
        self.keep = keep
        self.hits = collections.Counter()
        self.images = self.lost = self.again = self.late = self.bad = 0

    def add(self, seed, cut):
        again, late = cut.repeated()
        self.images += 1
        self.hits[cut.arrow] += 1
        self.lost, self.again, self.late = self.lost + len(cut.missing), self.again + len(again), self.late + len(late)
        if cut.missing or cut.problems or late or cut.done_again:
            self.bad += 1
            print(f"seed {seed}, image {cut.number} (cut after operation {cut.place}, {cut.arrow}): {len(cut.missing)} "
                  f"lost: {sorted(cut.missing)[:5]}, again too late: {late[:5]}, done before Postfix left, and again: "
                  f"{cut.done_again[:5]}\n{cut.problems[:3]}\n" + "\n".join(cut.traces) + cut.log[-2000:], flush=True)
            if self.keep:
                shutil.copytree(cut.image, pathlib.Path(self.keep) / f"{seed}-{cut.number}", dirs_exist_ok=True)
        shutil.rmtree(cut.image)

    def untouched(self):
        return [arrow.name for arrow in replay.ARROWS if not arrow.rare and not self.hits[arrow.name]]

    def show(self):
        print("cuts by arrow: " + ", ".join(f"{name} {count}" for name, count in sorted(self.hits.items())))
        print("arrows without a cut: " + (", ".join(self.untouched()) or "none"))
        print(f"power cut: {self.images} images, {self.lost} acknowledged lost, {self.again} delivered again, "
              f"{self.late} of them outside of the window; {self.bad} images went wrong", flush=True)


def run_chunk(images, messages, seed, totals):
    """So many images of one recorded run."""
    generator, books = random.Random(seed), account.Books()
    with account.BookSink(books) as sink:
        instance = recorded.RecordedInstance(**recorded.parameters(sink.port))
        spool = PostfixSpool(instance, books)
        try:
            records, disk = record_run(instance, books, spool, messages)
            owned = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in instance.queue.iterdir()}
        finally:
            instance.close()
    print(f"recorded {len(records)} operations, {len(books.promised)} acknowledged", flush=True)
    running = set()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for cut in cuts(records, disk, places_of(records, images, generator), generator, spool.own):
            running.add(pool.submit(recover, cut, spool, lambda top: owned.get(top, owned["journal"])))
            if len(running) > WORKERS:
                done, running = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    totals.add(seed, future.result())
        for future in running:
            totals.add(seed, future.result())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--chunk", type=int, default=250, help="images of one recorded run")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", help="copy images that lose mail here")
    parser.add_argument("--every-arrow", action="store_true", help="fail if no cut was made after some arrow")
    options = parser.parse_args()
    totals = Totals(options.keep)
    for done in range(0, options.images, options.chunk):
        images, seed = min(options.chunk, options.images - done), options.seed + done
        print(f"power cut: seed {seed}, {images} images of a run with {options.messages} messages", flush=True)
        run_chunk(images, options.messages, seed, totals)
    totals.show()
    return 1 if totals.bad or (options.every_arrow and totals.untouched()) else 0


if __name__ == "__main__":
    sys.exit(main())
