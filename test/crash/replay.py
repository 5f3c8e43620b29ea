"""Reads what recorder.cc wrote, and builds the disk as a power cut could have left it.

The model of the disk: a write, a mode, a time and a directory entry are pending until the file (or the directory that
holds the entry) has been synced. A cut keeps what is durable and an arbitrary subset of what is pending: of data, any
512-byte sector of any pending write; of names, any of the pending creations, renames and removals. A rename is one
step: both names change or none.
"""
import collections
import bisect
import dataclasses
import fnmatch
import os
import random
import struct
import time

SECTOR = 512
CREATE, WRITE, TRUNCATE, MODE, TIME, SYNC_BEGIN, SYNC_END, SYNC_ALL_BEGIN, SYNC_ALL_END, RENAME, UNLINK, MKDIR, LINK = \
    range(1, 14)
ACKNOWLEDGED, DELIVERED = 100, 101  # appended by the driver: `path` names the message


MAGIC = b"RCD1"
HEADER = struct.Struct("<BBqIQq")
NO_TAG = 255


@dataclasses.dataclass
class Record:
    """One operation; see recorder.cc for number and tag."""
    kind: int
    tag: int
    time: int           # microseconds
    pid: int
    inode: int
    number: int
    path: str
    second: str
    program: str
    payload: bytes


def _parse(body):
    """A Record, or None if the bytes are none."""
    if len(body) < HEADER.size + 6:
        return None
    at, texts = HEADER.size, []
    for _ in range(3):
        if at + 2 > len(body):
            return None
        length, = struct.unpack_from("<H", body, at)
        texts.append(body[at + 2:at + 2 + length].decode(errors="replace"))
        at += 2 + length
    return Record(*HEADER.unpack_from(body), *texts, body[at:])


class Log:
    """Follows a growing log: read() gives the complete records that came since the last call. What a killed process
    left unfinished is skipped as soon as another record stands behind it."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.rest = b""

    def read(self):
        data = self.rest + self.file.read()
        records, position = [], 0
        while position + 8 <= len(data):
            size, = struct.unpack_from("<I", data, position + 4)
            end = position + 8 + size
            complete = data.startswith(MAGIC, position) and (end == len(data) or data.startswith(MAGIC, end))
            record = _parse(data[position + 8:end]) if complete else None
            if record:
                records.append(record)
                position = end
                continue
            following = data.find(MAGIC, position + 1)
            if following < 0:
                break
            position = following
        self.rest = data[position:]
        return records

    def close(self):
        self.file.close()


def read_log(path):
    """All complete records, in order."""
    log = Log(path)
    records = log.read()
    log.close()
    return records


def append_note(path, kind, text):
    """The driver's own records: one write, so that they stand in order among the others."""
    encoded = text.encode()
    body = HEADER.pack(kind, NO_TAG, time.time_ns() // 1000, os.getpid(), 0, 0)
    body += struct.pack("<H", len(encoded)) + encoded + b"\0\0\0\0"
    with open(path, "ab", buffering=0) as log:
        log.write(MAGIC + struct.pack("<I", len(body)) + body)


class File:
    """One inode: what is durable and what is pending."""

    def __init__(self):
        self.data, self.mode, self.time = bytearray(), 0o600, None
        self.pending = []  # (moment, (kind, number, payload)), in order

    def apply(self, change, sectors=None):
        kind, number, payload = change
        if kind == WRITE:
            end = number + len(payload)
            if sectors is None:
                self._store(number, payload)
                return
            position = number
            while position < end:
                stop = min((position // SECTOR + 1) * SECTOR, end)
                if sectors():
                    self._store(position, payload[position - number:stop - number])
                position = stop
        elif kind == TRUNCATE:
            del self.data[number:]
            self.data.extend(bytes(max(0, number - len(self.data))))
        elif kind == MODE:
            self.mode = number
        elif kind == TIME:
            self.time = number

    def _store(self, offset, payload):
        if len(self.data) < offset + len(payload):
            self.data.extend(bytes(offset + len(payload) - len(self.data)))
        self.data[offset:offset + len(payload)] = payload

    def copy(self):
        other = File()
        other.data, other.mode, other.time, other.pending = bytearray(self.data), self.mode, self.time, list(self.pending)
        return other


class Disk:
    """The directory as it is durable, and all that is pending, after some prefix of the log."""

    def __init__(self):
        self.files = {}                       # file number -> File
        self.by_inode = {}                    # inode -> file number (an inode may be used again)
        self.names = {}                       # durable: path -> file number, or "directory"
        self.now = {}                         # as the processes see it
        self.pending_names = []               # (moment, (operation, path, second, file number, parents not yet synced))
        self.open_syncs = {}                  # which sync -> the file that it is of, and the moment in which it began
        self.moment = 0                       # counts records: a sync covers what is older than its beginning
        self.count = 0

    def _new_file(self, inode):
        self.count += 1
        self.files[self.count] = File()
        self.by_inode[inode] = self.count
        return self.count

    def add_durable(self, path, inode, data, mode):
        """A file that is there from the beginning."""
        number = self._new_file(inode)
        self.files[number].data, self.files[number].mode = bytearray(data), mode
        self.names[path] = number

    @staticmethod
    def _parent(path):
        return os.path.dirname(path)

    def _name_change(self, operation, path, second, number):
        parents = {self._parent(path), self._parent(second or path)}
        self.pending_names.append((self.moment, (operation, path, second, number, parents)))
        _apply_name(self.now, operation, path, second, number)

    def step(self, record):
        """One record of the log."""
        kind = record.kind
        self.moment += 1
        if kind == CREATE:
            self._name_change(CREATE, record.path, "", self._new_file(record.inode))
        elif kind in (WRITE, TRUNCATE, MODE, TIME):
            number = self.by_inode.get(record.inode)
            if number is None:
                return
            self.files[number].pending.append((self.moment, (kind, record.number, record.payload)))
        elif kind == MKDIR:
            self._name_change(MKDIR, record.path, "", "directory")
        elif kind in (RENAME, LINK):
            if record.path in self.now:
                self._name_change(kind, record.path, record.second, self.now[record.path])
        elif kind == UNLINK:
            self._name_change(UNLINK, record.path, "", None)
        elif kind == SYNC_BEGIN:
            self.open_syncs[self._sync(record)] = (self.by_inode.get(record.inode), self.moment)
        elif kind == SYNC_END:
            number, begin = self.open_syncs.pop(self._sync(record), (None, 0))
            if record.path.endswith("/") or not record.path:
                self._sync_directory(record.path.rstrip("/"), begin)
            elif number in self.files:
                self._make_durable(self.files[number], begin)
        elif kind == SYNC_ALL_BEGIN:
            self.open_syncs[self._sync(record)] = (None, self.moment)
        elif kind == SYNC_ALL_END:
            _, begin = self.open_syncs.pop(self._sync(record), (None, 0))
            for file in self.files.values():
                self._make_durable(file, begin)
            for change in _take_older(self.pending_names, begin):
                _apply_name(self.names, *change[:4])

    @staticmethod
    def _sync(record):
        """Which call it is: several threads may sync one file at a time. The payload names the thread."""
        return (record.pid, record.payload, record.inode, record.path)

    @staticmethod
    def _make_durable(file, begin):
        for change in _take_older(file.pending, begin):
            file.apply(change)

    def _sync_directory(self, path, begin):
        kept = []
        for moment, change in self.pending_names:
            if moment < begin:
                change[4].discard(path)
            if moment < begin and not change[4]:
                _apply_name(self.names, *change[:4])
            else:
                kept.append((moment, change))
        self.pending_names = kept

    def cut(self, target, generator):
        """Writes one possible state after a power cut into the directory `target`."""
        names = dict(self.names)
        keep = generator.choice((0.0, 0.3, 0.5, 0.8, 1.0))
        for _, change in self.pending_names:
            if generator.random() < keep:
                _apply_name(names, *change[:4])
        keep = generator.choice((0.0, 0.3, 0.5, 0.9, 1.0))
        for path, number in sorted(names.items()):
            full = os.path.join(target, path)
            if number == "directory":
                os.makedirs(full, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(full), exist_ok=True)
            file = self.files[number].copy()
            for _, change in file.pending:
                if change[0] == WRITE:
                    file.apply(change, lambda: generator.random() < keep)
                elif generator.random() < keep:
                    file.apply(change)
            with open(full, "wb") as out:
                out.write(file.data)
            os.chmod(full, file.mode & 0o7777)
            if file.time is not None:
                os.utime(full, ns=(file.time, file.time))


def _take_older(pending, moment):
    """Takes what came before the moment out of the list, and returns it."""
    count = bisect.bisect_left(pending, moment, key=lambda item: item[0])
    taken = [change for _, change in pending[:count]]
    del pending[:count]
    return taken


def _apply_name(names, operation, path, second, number):
    if operation in (CREATE, MKDIR):
        names[path] = number
    elif operation == LINK:
        names[second] = number
    elif operation == UNLINK:
        names.pop(path, None)
    elif operation == RENAME and path in names:
        names[second] = names.pop(path)
    elif operation == RENAME:
        # The creation of the old name was lost; the new one cannot exist without it.
        pass


# --- arrows of doc/queue-states.md

@dataclasses.dataclass(frozen=True)
class Arrow:
    """One step of doc/queue-states.md as the file operation that performs it. `rare`: load alone does not bring it."""
    name: str
    kind: int
    path: str           # fnmatch patterns; directories end in "/"
    second: str = "*"
    program: str = "*"  # "!qmgr": everybody else
    low: int = -2 ** 62
    high: int = 2 ** 62
    tag: int = -1       # any
    least: int = 0      # bytes of a write
    rare: bool = False

    def fits(self, record):
        program = self.program.removeprefix("!")
        return (self.kind == record.kind and self.low <= record.number <= self.high and self.tag in (-1, record.tag)
                and len(record.payload) >= self.least and fnmatch.fnmatchcase(record.path, self.path)
                and fnmatch.fnmatchcase(record.second, self.second)
                and fnmatch.fnmatchcase(record.program, program) != self.program.startswith("!"))

    def trap(self, moment):
        """The text that makes the recorder kill at this arrow: see recorder.cc."""
        return (f"{moment} {self.kind} {self.program} {self.path} {self.second} {self.low} {self.high} {self.tag} "
                f"{self.least}\n")


SEGMENT_SIZE = 262144                       # the smallest; what the crash tests use
MARKS = 4096                                # queue/layout.h: where a segment's marks and frames begin
FRAMES = MARKS + -(-(SEGMENT_SIZE // 64) // 4096) * 4096
IN_USE, FREE = 1, 2                         # SegmentState
DONE, FAILED_OR_MOVED, EXPIRED = 1, 2, 3    # RecipientMark and MessageMark
EXPIRED_MODE = 0o710                        # queue/queue_file.h: complete, and expired
A_FILE = "*[!/]"


def _segment(name, kind, **facts):
    return Arrow(name, kind, "journal/0*", **facts)


ARROWS = (
    # the journal: room
    Arrow("ids-leased", SYNC_END, "journal/queue-ids"),
    _segment("segment-created", CREATE),
    _segment("segment-filled", WRITE, low=0, high=0, least=4097),
    Arrow("segment-named", SYNC_END, "journal/"),
    _segment("marks-cleared", WRITE, low=MARKS, high=MARKS, least=4096),
    _segment("claimed", WRITE, low=0, high=0, tag=IN_USE),
    _segment("claim-synced", SYNC_END, low=0, high=0, tag=IN_USE),
    _segment("freed", WRITE, low=0, high=0, tag=FREE),
    _segment("free-synced", SYNC_END, low=0, high=0, tag=FREE),
    _segment("segment-removed", UNLINK, rare=True),
    # the journal: a message
    _segment("batch-written", WRITE, low=FRAMES),
    _segment("batch-committed", SYNC_END, low=FRAMES),
    _segment("delivered", WRITE, program="!qmgr", low=MARKS, high=FRAMES - 1, tag=DONE),
    _segment("bounced", WRITE, program="!qmgr", low=MARKS, high=FRAMES - 1, tag=FAILED_OR_MOVED),
    _segment("settled", WRITE, program="qmgr", low=MARKS, high=FRAMES - 1, tag=DONE),
    _segment("expired", WRITE, program="qmgr", low=MARKS, high=FRAMES - 1, tag=EXPIRED),
    _segment("moved", WRITE, program="qmgr", low=MARKS, high=FRAMES - 1, tag=FAILED_OR_MOVED),
    _segment("moved-synced", SYNC_END, program="qmgr", low=MARKS, high=FRAMES - 1, tag=FAILED_OR_MOVED),
    _segment("marks-synced", SYNC_END, program="qmgr"),
    # files of a Postfix before us
    Arrow("conversion-created", CREATE, "active/.postfix-*"),
    Arrow("conversion-written", WRITE, "active/.postfix-*"),
    Arrow("conversion-completed", MODE, "active/.postfix-*"),
    Arrow("conversion-synced", SYNC_END, "active/.postfix-*"),
    Arrow("converted", RENAME, "active/.postfix-*", second="active/*"),
    # queue files
    Arrow("file-expired", MODE, "*/*", low=EXPIRED_MODE, high=EXPIRED_MODE),
    Arrow("file-created", CREATE, "incoming/*"),
    Arrow("file-written", WRITE, "incoming/*"),
    Arrow("file-completed", MODE, "incoming/*"),
    Arrow("file-synced", SYNC_END, "incoming/" + A_FILE),
    Arrow("file-committed", SYNC_END, "incoming/", program="!qmgr"),
    Arrow("held", RENAME, "incoming/*", second="hold/*", program="!postsuper"),
    Arrow("held-completed", MODE, "hold/*", program="!postsuper"),
    Arrow("held-synced", SYNC_END, "hold/" + A_FILE, program="!postsuper"),
    Arrow("held-committed", SYNC_END, "hold/", program="!postsuper"),
    Arrow("file-activated", RENAME, "incoming/*", second="active/*"),
    Arrow("survivor-created", CREATE, "deferred/*"),
    Arrow("survivor-written", WRITE, "deferred/*"),
    Arrow("survivor-completed", MODE, "deferred/*"),
    Arrow("survivor-synced", SYNC_END, "deferred/" + A_FILE),
    Arrow("survivor-named", SYNC_END, "deferred*/"),
    Arrow("survivors-synced", SYNC_ALL_END, "*", rare=True),
    Arrow("retried", RENAME, "deferred/*", second="active/*"),
    Arrow("put-off", RENAME, "active/*", second="deferred/*"),
    Arrow("retry-time-set", TIME, "deferred/*"),
    Arrow("file-delivered", WRITE, "active/*", program="!qmgr", tag=DONE),
    Arrow("file-bounced", WRITE, "active/*", program="!qmgr", tag=FAILED_OR_MOVED),
    Arrow("file-settled", WRITE, "active/*", program="qmgr", tag=DONE, rare=True),
    Arrow("file-buried", UNLINK, "active/*"),
    Arrow("active-synced", SYNC_END, "active/"),
    # reports
    Arrow("reason-written", WRITE, "bounce/*"),
    Arrow("reason-synced", SYNC_END, "bounce/" + A_FILE),
    Arrow("reason-dropped", UNLINK, "bounce/*"),
    Arrow("delay-written", WRITE, "defer/*"),
    Arrow("delay-dropped", UNLINK, "defer/*"),
    # sendmail
    Arrow("dropped-created", CREATE, "maildrop/*"),
    Arrow("dropped-written", WRITE, "maildrop/*"),
    Arrow("dropped-completed", MODE, "maildrop/*"),
    Arrow("dropped-synced", SYNC_END, "maildrop/" + A_FILE),
    Arrow("dropped", SYNC_END, "maildrop/"),
    Arrow("picked-up", UNLINK, "maildrop/*", program="pickup"),
)


def arrow_of(record):
    """The name of the first arrow of the table that a record is, or None."""
    return next((arrow.name for arrow in ARROWS if arrow.fits(record)), None)
