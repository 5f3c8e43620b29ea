"""Lookups in local tables: our postmap and Debian's read the same keys from standard input (postmap -q -), each from a
table that it made itself of the same source. Both must print the same. What a lookup costs inside of a process stands
in rows of its own (build/release/bench/table_lookup).

Half of the keys exist; they come in random order. A rate counts the whole program, opening included.
"""
import hashlib
import os
import random
import re
import resource
import shutil
import subprocess
import time

from measure import PLACE
from measure.contestants import POSTFIX, POSTHASTE
from support.paths import BUILD, YARDSTICK_ROOT

DIRECTORY = PLACE / "lookup"
INDEXED = ["hash", "btree", "lmdb", "cdb"]       # made by postmap
KEYS = 1_000_000
NETWORKS = 10_000
PATTERNS = 1_000
LMDB_MAP_SIZE = 1 << 30


class Case:
    """A table type, its source, and the keys that it is asked for."""

    def __init__(self, type_, what, source, keys):
        self.type, self.name = type_, f"lookup, {type_}, {what}"
        self._source, self._keys = source, keys

    def write(self):
        """The source (the table itself for types without a file of their own), and the keys."""
        chance = random.Random(4)
        lines = self._source(chance)
        (DIRECTORY / self.type).write_text("\n".join(lines) + "\n")
        self.keys = DIRECTORY / f"{self.type}.keys"
        keys = self._keys(chance)
        self.count = len(keys)
        self.keys.write_text("\n".join(keys) + "\n")

    def remove(self):
        for path in DIRECTORY.glob(f"**/{self.type}*"):
            path.unlink()


def mailboxes(_):
    return [f"user{number}@example{number % 100}.com  mailbox-{number}" for number in range(KEYS)]


def mailbox_keys(chance):
    numbers = [chance.randrange(2 * KEYS) for _ in range(KEYS)]
    return [f"user{number}@example{number % 100}.com" for number in numbers]


def address(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def networks(chance):
    """/24 to /32, as a list of dynamic or blocked ranges has them, and an exception within an if block."""
    lines = ["if 10.0.0.0/8", "!10.0.0.0/9 upper half", "endif"]
    for number in range(NETWORKS):
        prefix = chance.randrange(24, 33)
        base = chance.randrange(11 << 24, 224 << 24) >> (32 - prefix) << (32 - prefix)
        lines.append(f"{address(base)}/{prefix} REJECT network {number}")
    return lines


def network_keys(chance):
    """One in eight from 10.0.0.0/8."""
    return [address(chance.randrange(11 << 24, 224 << 24) if chance.randrange(8) else 10 << 24 | chance.randrange(1 << 24))
            for _ in range(100_000)]


def patterns(chance):
    """What access tables hold: names of hosts and of dynamic ranges, and some words."""
    forms = [r"/^mail{n}\.example\.com$/ REJECT host {n}", r"/[0-9]+-[0-9]+\.dyn{n}\.isp\.example$/ REJECT dynamic {n}",
             r"/(offer|casino){n}/ REJECT words {n}", r"/\.zone{n}\.(net|org)$/ DUNNO zone {n}"]
    return [forms[number % len(forms)].format(n=number) for number in range(PATTERNS)]


def pattern_keys(chance):
    forms = ["mail{n}.example.com", "17-{n}.dyn{n}.isp.example", "www.casino{n}.test", "a.zone{n}.org"]
    return [chance.choice(forms).format(n=chance.randrange(2 * PATTERNS)) for _ in range(20_000)]


def all_cases():
    many = f"{KEYS:,} keys"
    return [*(Case(type_, many, mailboxes, mailbox_keys) for type_ in [*INDEXED, "texthash"]),
            Case("cidr", f"{NETWORKS:,} networks", networks, network_keys),
            *(Case(type_, f"{PATTERNS:,} patterns", patterns, pattern_keys) for type_ in ("pcre", "regexp"))]


class Postmap:
    """One of the two programs, with a configuration and tables of its own."""

    def __init__(self, label):
        self.label = label
        self.directory = DIRECTORY / label.lower()
        self.directory.mkdir(parents=True)
        settings = f"compatibility_level = 3.6\nlmdb_map_size = {LMDB_MAP_SIZE}\n"
        self.environment = dict(os.environ)
        self.program = BUILD / "sbin/postmap"
        if label == POSTFIX:
            libraries = YARDSTICK_ROOT / "usr/lib/postfix"
            search = [libraries, *(YARDSTICK_ROOT / "usr/lib").glob("*-linux-gnu")]
            self.environment["LD_LIBRARY_PATH"] = ":".join(map(str, search))
            self.program = YARDSTICK_ROOT / "usr/sbin/postmap"
            settings += f"meta_directory = {self.directory}\nmail_owner = daemon\nsetgid_group = tty\n"
            (self.directory / "dynamicmaps.cf").write_text("".join(
                f"{type_} {libraries}/postfix-{type_}.so dict_{type_}_open{make}\n" for type_, make in
                (("lmdb", " mkmap_lmdb_open"), ("cdb", " mkmap_cdb_open"), ("pcre", ""))))
        (self.directory / "main.cf").write_text(settings)

    def _run(self, *arguments, **options):
        return subprocess.run([self.program, "-c", self.directory, *arguments], env=self.environment, check=False,
                              **options)

    def table(self, case):
        return f"{case.type}:{self.directory / case.type}"

    def make(self, case):
        shutil.copy(DIRECTORY / case.type, self.directory / case.type)
        if case.type in INDEXED:
            begun = time.monotonic()
            self._run(self.table(case)).check_returncode()
            print(f"  {case.name}, {self.label}: made in {time.monotonic() - begun:.1f} s", flush=True)

    def query(self, case):
        """Seconds, processor seconds, and a hash of what was printed."""
        output = self.directory / "output"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.monotonic()
        with open(case.keys, "rb") as keys, open(output, "wb") as printed:
            result = self._run("-q", "-", self.table(case), stdin=keys, stdout=printed, stderr=subprocess.PIPE)
        seconds = time.monotonic() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if result.returncode or not output.stat().st_size:
            raise RuntimeError(f"{self.label}: {case.name}: {result.stderr.decode()[-500:] or 'nothing found'}")
        return (seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                hashlib.sha256(output.read_bytes()).hexdigest())


def inside_a_process(case, postmap, results):
    with open(case.keys, "rb") as keys:
        output = subprocess.run([BUILD / "bench/table_lookup", postmap.table(case)], stdin=keys, check=True, text=True,
                                capture_output=True).stdout
    results.note(f"{case.name}, in the process", "ns", POSTHASTE, float(re.match(r"[\d.]+", output)[0]))


def measure(options, results):
    """The two in alternation; each case's files are gone before the next."""
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    programs = [Postmap(POSTFIX), Postmap(POSTHASTE)]
    for case in all_cases():
        if not re.search(options.cases, case.name):
            continue
        case.write()
        for program in programs:
            program.make(case)
        printed = set()
        for turn in range(options.rounds):
            for program in programs if turn % 2 == 0 else programs[::-1]:
                seconds, cpu, answers = program.query(case)
                printed.add(answers)
                results.note(case.name, "lookups/s", program.label, case.count / seconds, cpu / case.count * 1e6)
            inside_a_process(case, programs[1], results)
        if len(printed) != 1:
            raise RuntimeError(f"{case.name}: the two postmaps do not answer the same")
        case.remove()
