"""Reads what recorder.cc wrote, and builds the disk as a power cut could have left it.

The model of the disk: a write, a mode, a time and a directory entry are pending until the file (or the directory that
holds the entry) has been synced. A cut keeps what is durable and an arbitrary subset of what is pending: of data, any
512-byte sector of any pending write; of names, any of the pending creations, renames and removals. A rename is one
step: both names change or none.
"""
import collections
import dataclasses
import os
import pathlib
import random
import struct

SECTOR = 512
CREATE, WRITE, TRUNCATE, MODE, TIME, SYNC_BEGIN, SYNC_END, SYNC_ALL_BEGIN, SYNC_ALL_END, RENAME, UNLINK, MKDIR, LINK = \
    range(1, 14)
ACKNOWLEDGED, DELIVERED = 100, 101  # appended by the driver: `path` names the message


@dataclasses.dataclass
class Record:
    kind: int
    time: int
    pid: int
    inode: int
    number: int
    path: str
    second: str
    payload: bytes


def read_log(path):
    """All complete records, in order."""
    data = pathlib.Path(path).read_bytes()
    records, position = [], 0
    while position + 4 <= len(data):
        size, = struct.unpack_from("<I", data, position)
        body = data[position + 4:position + 4 + size]
        position += 4 + size
        if len(body) < size:
            break
        kind, time, pid, inode, number = struct.unpack_from("<BqIQq", body)
        at = struct.calcsize("<BqIQq")
        texts = []
        for _ in range(2):
            length, = struct.unpack_from("<H", body, at)
            texts.append(body[at + 2:at + 2 + length].decode(errors="replace"))
            at += 2 + length
        records.append(Record(kind, time, pid, inode, number, texts[0], texts[1], body[at:]))
    return records


def append_note(path, kind, text):
    """The driver's own records: one write, so that they stand in order among the others."""
    encoded = text.encode()
    body = struct.pack("<BqIQq", kind, 0, os.getpid(), 0, 0) + struct.pack("<H", len(encoded)) + encoded + b"\0\0"
    with open(path, "ab", buffering=0) as log:
        log.write(struct.pack("<I", len(body)) + body)


class File:
    """One inode: what is durable and what is pending."""

    def __init__(self):
        self.data, self.mode, self.time = bytearray(), 0o600, None
        self.pending = []  # (kind, number, payload)

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
        self.pending_names = []               # (operation, path, second, file number, parents not yet synced)
        self.open_syncs = {}                  # (pid, inode) -> what the sync will cover
        self.count = 0

    def _new_file(self, inode):
        self.count += 1
        self.files[self.count] = File()
        self.by_inode[inode] = self.count
        return self.count

    @staticmethod
    def _parent(path):
        return os.path.dirname(path)

    def _name_change(self, operation, path, second, number):
        parents = {self._parent(path), self._parent(second or path)}
        self.pending_names.append([operation, path, second, number, parents])
        _apply_name(self.now, operation, path, second, number)

    def step(self, record):
        """One record of the log."""
        kind = record.kind
        if kind == CREATE:
            self._name_change(CREATE, record.path, "", self._new_file(record.inode))
        elif kind in (WRITE, TRUNCATE, MODE, TIME):
            number = self.by_inode.get(record.inode)
            if number is None:
                return
            self.files[number].pending.append((kind, record.number, record.payload))
        elif kind == MKDIR:
            self._name_change(MKDIR, record.path, "", "directory")
        elif kind in (RENAME, LINK):
            if record.path in self.now:
                self._name_change(kind, record.path, record.second, self.now[record.path])
        elif kind == UNLINK:
            self._name_change(UNLINK, record.path, "", None)
        elif kind == SYNC_BEGIN:
            number = self.by_inode.get(record.inode)
            held = len(self.files[number].pending) if number in self.files else 0
            self.open_syncs[record.pid, record.inode, record.path] = (number, held, len(self.pending_names))
        elif kind == SYNC_END:
            number, held, names = self.open_syncs.pop((record.pid, record.inode, record.path), (None, 0, 0))
            if number in self.files and self.now.get(record.path) != "directory" and record.path:
                self._make_durable(number, held)
            self._sync_directory(record.path, names)
        elif kind == SYNC_ALL_BEGIN:
            self.open_syncs[record.pid, "all"] = ({n: len(f.pending) for n, f in self.files.items()},
                                                  len(self.pending_names))
        elif kind == SYNC_ALL_END:
            held, names = self.open_syncs.pop((record.pid, "all"), ({}, 0))
            for number, count in held.items():
                self._make_durable(number, count)
            for change in self.pending_names[:names]:
                _apply_name(self.names, *change[:4])
            del self.pending_names[:names]

    def _make_durable(self, number, count):
        file = self.files[number]
        for change in file.pending[:count]:
            file.apply(change)
        del file.pending[:count]

    def _sync_directory(self, path, count):
        kept = []
        for index, change in enumerate(self.pending_names):
            if index < count:
                change[4].discard(path)
            if index < count and not change[4]:
                _apply_name(self.names, *change[:4])
            else:
                kept.append(change)
        self.pending_names = kept

    def cut(self, target, generator):
        """Writes one possible state after a power cut into the directory `target`."""
        names = dict(self.names)
        keep = generator.choice((0.0, 0.3, 0.5, 0.8, 1.0))
        for change in self.pending_names:
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
            for change in file.pending:
                if change[0] == WRITE:
                    file.apply(change, lambda: generator.random() < keep)
                elif generator.random() < keep:
                    file.apply(change)
            with open(full, "wb") as out:
                out.write(file.data)
            os.chmod(full, file.mode & 0o7777)
            if file.time is not None:
                os.utime(full, ns=(file.time, file.time))


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

def arrow_of(record, segment_layout):
    """The arrow of the state table that a record is a step of, or None. segment_layout: see segment_parts()."""
    path = record.path
    top = path.split("/", 1)[0]
    if top == "journal" and path[len("journal/"):].isdigit():
        if record.kind == CREATE:
            return "segment-made"
        if record.kind == SYNC_END:
            return "flushed"
        if record.kind != WRITE:
            return None
        marks, frames = segment_layout
        if record.number == 0:
            return "segment-header"
        if record.number < marks:
            return None
        if record.number < frames:
            if len(record.payload) != 1:
                return "marks-cleared"
            # Which of the message's bytes a mark is follows from its value where the values differ; see the table.
            return {1: "marked-done", 2: "marked-bounced-or-moved", 3: "marked-killed"}.get(record.payload[0])
        return "frame-written"
    if top in ("incoming", "deferred", "hold", "maildrop", "bounce", "defer"):
        return {CREATE: f"{top}-created", WRITE: f"{top}-written", SYNC_END: f"{top}-synced",
                UNLINK: f"{top}-removed",
                RENAME: f"{top}-to-{record.second.split('/', 1)[0]}"}.get(record.kind)
    if top == "active":
        return {UNLINK: "active-removed", RENAME: f"active-to-{record.second.split('/', 1)[0]}",
                WRITE: "active-marked"}.get(record.kind)
    return None


def count_arrows(records, segment_layout):
    return collections.Counter(filter(None, (arrow_of(record, segment_layout) for record in records)))


def segment_parts(size):
    """(offset of the marks, offset of the frames) of a segment of this size: queue/layout.h."""
    marks = -(-(size // 64) // 4096) * 4096
    return 4096, 4096 + marks


def cuts(records, seed, count):
    """Yields (index, disk) for `count` random places in the log, in ascending order, replaying it once."""
    generator = random.Random(seed)
    places = sorted(generator.randrange(1, len(records) + 1) for _ in range(count))
    disk, index = Disk(), 0
    for place in places:
        while index < place:
            disk.step(records[index])
            index += 1
        yield index, disk
