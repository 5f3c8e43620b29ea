#!/usr/bin/python3
"""Power cuts: records a run under load from outside the product, builds disks as a cut could have left them, and lets
each be recovered by the real system. Every message that had been acknowledged before the cut must arrive.

usage: powercut.py [--images N] [--messages N] [--seed N] [--keep DIRECTORY]
"""
import argparse
import collections
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import account  # noqa: E402
import replay  # noqa: E402
from support.instance import Instance  # noqa: E402
from support.paths import BUILD  # noqa: E402

SEGMENT_SIZE = 262144
QUIET = 20.0  # seconds without a delivery after which what is missing counts as lost


def parameters(sink_port):
    return {"relayhost": f"[127.0.0.1]:{sink_port}", "queue_journal_segment_size": SEGMENT_SIZE,
            "queue_journal_message_limit": 65536, "minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
            "queue_run_delay": "1s", "smtpd_client_connection_count_limit": 0, "service_throttle_time": "1s",
            "import_environment": "MAIL_CONFIG TZ LANG=C ASAN_OPTIONS UBSAN_OPTIONS LD_PRELOAD RECORD_DIRECTORY "
                                  "RECORD_LOG RECORD_FSYNC_DELAY_MS RECORD_FSYNC_FAIL RECORD_FSYNC_FAIL_WHEN"}


def record_run(instance, sink_port, books, messages):
    """One run under load with every file operation recorded; returns the records."""
    log = instance.directory / "record"
    log.touch()
    log.chmod(0o666)
    books.log = log
    base = instance.directory / "base"
    instance.start()
    instance.stop()
    shutil.copytree(instance.queue, base, symlinks=True, ignore=_no_sockets)
    inodes = {str(path.relative_to(instance.queue)): path.stat().st_ino
              for path in instance.queue.rglob("*") if path.is_file()}
    recorder = str(BUILD / "test" / "librecorder.so")
    instance.recorder = {"LD_PRELOAD": recorder, "RECORD_DIRECTORY": str(instance.queue), "RECORD_LOG": str(log)}
    instance.start()
    threads = account.start_sources(instance.smtp_port, books, 4, messages // 4)
    for thread in threads:
        thread.join(300)
    missing = account.wait_until_accounted(books, QUIET)
    instance.stop()
    if missing:
        raise AssertionError(f"{len(missing)} messages did not arrive even without a cut: {sorted(missing)[:5]}")
    return replay.read_log(log), base, inodes


def _no_sockets(directory, names):
    return [name for name in names if not (pathlib.Path(directory) / name).is_dir()
            and not (pathlib.Path(directory) / name).is_file()]


class RecordedInstance(Instance):
    """An instance whose processes can be started under the recorder."""

    recorder = None

    def environment(self):
        return super().environment() | (self.recorder or {})


def base_disk(base, inodes):
    disk = replay.Disk()
    for path in sorted(base.rglob("*")):
        name = str(path.relative_to(base))
        if path.is_dir():
            disk.names[name] = "directory"
        else:
            number = disk._new_file(inodes[name])
            disk.files[number].data = bytearray(path.read_bytes())
            disk.files[number].mode = path.stat().st_mode & 0o7777
            disk.names[name] = number
    disk.now = dict(disk.names)
    return disk


def recover(image, owner_of, sink, books, sink_port):
    """Starts the system over the image and waits until everything has arrived; returns what has not."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="ph-", dir="/tmp"))
    instance = Instance(directory=directory, **parameters(sink_port))
    try:
        shutil.rmtree(instance.queue)
        shutil.copytree(image, instance.queue)
        subprocess.run(["chmod", "755", str(instance.queue)], check=True)
        for path in [*instance.queue.rglob("*")]:
            os.chown(path, *owner_of(path))
        instance.start()
        missing = account.wait_until_accounted(books, QUIET)
        problems = instance.problems()
        if missing or problems:
            return missing, problems, instance.log()
        return set(), [], ""
    finally:
        instance.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", help="copy images that lose mail here")
    options = parser.parse_args()
    generator = random.Random(options.seed)
    print(f"power cut: seed {options.seed}, {options.images} images of a run with {options.messages} messages")

    books = account.Books()
    with account.BookSink(books) as sink, RecordedInstance(**parameters(sink.port)) as instance:
        instance.stop()
        records, base, inodes = record_run(instance, sink.port, books, options.messages)
        owners = {}
        for path in instance.queue.rglob("*"):
            status = path.lstat()
            owners[path.relative_to(instance.queue).parts[0]] = (status.st_uid, status.st_gid)
        default_owner = owners.get("journal", (os.getuid(), os.getgid()))
        layout = replay.segment_parts(SEGMENT_SIZE)
        print(f"recorded {len(records)} operations, {len(books.acknowledged)} acknowledged")

        disk, index, lost, duplicates = base_disk(base, inodes), 0, 0, 0
        hits = collections.Counter()
        acknowledged, delivered = set(), {}
        places = sorted(generator.randrange(1, len(records) + 1) for _ in range(options.images))
        sink.refused.clear()
        for number, place in enumerate(places):
            while index < place:
                record = records[index]
                index += 1
                if record.kind == replay.ACKNOWLEDGED:
                    acknowledged.add(record.path)
                elif record.kind == replay.DELIVERED:
                    delivered[record.path] = delivered.get(record.path, 0) + 1
                else:
                    disk.step(record)
            arrow = replay.arrow_of(records[place - 1], layout)
            hits[arrow or "between arrows"] += 1
            books.log = None
            books.acknowledged, books.delivered = set(acknowledged), dict(delivered)
            before = books.duplicates()
            with tempfile.TemporaryDirectory(prefix="phi-", dir="/tmp") as image:
                disk.cut(image, generator)

                def owner_of(path):
                    top = pathlib.Path(path).as_posix().split("/q/", 1)[1].split("/")[0]
                    return owners.get(top, default_owner)

                missing, problems, log = recover(image, owner_of, sink, books, sink.port)
                duplicates += books.duplicates() - before
                if missing or problems:
                    lost += len(missing)
                    print(f"image {number} (cut after operation {place}, {arrow}): {len(missing)} lost: "
                          f"{sorted(missing)[:5]}\n{problems}\n{log[-3000:]}")
                    if options.keep:
                        shutil.copytree(image, pathlib.Path(options.keep) / str(number), dirs_exist_ok=True)
        print("cuts by arrow: " + ", ".join(f"{name} {count}" for name, count in sorted(hits.items())))
        print(f"power cut: {options.images} images, {lost} acknowledged messages lost, {duplicates} delivered again")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
