"""Forced expiry: `postsuper -e` asks the queue manager to return a message after its next attempt. The message is in the
journal and under delivery, is moved to a file when it is put off, and is tried again.

What must hold:
  told       what postsuper was told is done is so after any kill, and after a power cut that comes after the next sync
"""
import dataclasses

import explorer
from explorer import Broken, disks, fresh, now, synced, written

MISTAKES = ("remembered-in-memory-alone", "not-moved-with-the-message", "not-found-at-a-start")
NEED_TWO = ()
ARROWS = {"expired", "file-expired", "marks-synced", "active-synced", "survivor-completed", "survivor-synced", "moved",
          "read", "reported", "kill-qmgr", "cut"}
MARK, FILE = 0, 1       # pages: the frame's message mark; the file: none, complete, complete and expired
EXPIRED = ("expired", "complete, expired")


@dataclasses.dataclass(frozen=True)
class State:
    pages: tuple = fresh("live", "none")
    known: str = "active"       # to the queue manager: unknown active completed synced scheduled gone
    forced: bool = False        # in its memory
    told: bool = False
    crashes: int = 2


def change(state, **fields):
    return dataclasses.replace(state, **fields)


def in_queue(state):
    """Whether the place that counts says that the message is expired."""
    place = FILE if now(state.pages, FILE) != "none" and state.known not in ("completed", "synced") else MARK
    return now(state.pages, place) in EXPIRED


class Model(explorer.Model):
    state = State

    @staticmethod
    def check(state):
        if state.told and state.known not in ("unknown", "gone") and not state.forced:
            raise Broken("told: the queue manager does not know of the expiry")

    def steps(self, state):
        yield from self.expire(state)
        yield from self.move(state)
        unsynced = any(others for _, others in state.pages)
        if unsynced and state.known not in ("completed",):
            yield "marks-synced" if state.pages[MARK][1] else "active-synced", change(
                state, pages=synced(state.pages, {MARK, FILE}))
        if state.known == "unknown":
            forced = in_queue(state) and self.mistake != "not-found-at-a-start"
            known = "active" if now(state.pages, FILE) == "none" else "scheduled"
            yield "read", change(state, known=known, forced=forced)
        if state.crashes:
            yield "kill-qmgr", change(state, known="unknown", forced=False, crashes=state.crashes - 1,
                                      pages=synced(state.pages, {MARK, FILE}))
            for disk in disks(state.pages):
                after = change(state, pages=disk, known="unknown", forced=False, crashes=state.crashes - 1)
                # Asked for within the last second, it may have to be asked for again.
                yield "cut", change(after, told=state.told and all(not others for _, others in state.pages))

    def expire(self, state):
        if state.told or state.known not in ("active", "scheduled"):
            return
        arrow, write = ("expired", (MARK, "expired")) if state.known == "active" else (
            "file-expired", (FILE, "complete, expired"))
        pages = state.pages if self.mistake == "remembered-in-memory-alone" else written(state.pages, write)
        yield arrow, change(state, told=True, forced=True, pages=pages)

    def move(self, state):
        if state.known == "active" and state.forced:
            yield "reported", change(state, known="gone")
        if state.known == "active" and now(state.pages, FILE) == "none":
            expired = now(state.pages, MARK) == "expired" and self.mistake != "not-moved-with-the-message"
            yield "survivor-completed", change(state, known="completed", pages=written(
                state.pages, (FILE, "complete, expired" if expired else "complete")))
        elif state.known == "completed":
            yield "survivor-synced", change(state, known="synced", pages=synced(state.pages, {FILE}))
        elif state.known == "synced":
            yield "moved", change(state, known="scheduled")
