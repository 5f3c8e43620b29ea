"""A message that is to be held when it comes in: its file is moved from incoming/ to hold/ before it is complete, and
waits there for `postsuper -H`. What becomes of a file that is not held is in files.py.

What must hold:
  kept       whoever was told 250 has the whole file found in hold/, or delivered after its release
  held       nothing is delivered that nobody released
"""
import dataclasses

import explorer
from explorer import Broken, disks, fresh, now, synced, written

MISTAKES = ("complete-before-it-is-held", "complete-before-the-move-is-synced", "accepted-before-the-file-is-synced",
            "removed-under-a-writer")
NEED_TWO = ()
ARROWS = {"file-created", "file-written", "held", "held-completed", "held-synced", "held-committed", "acknowledged",
          "released", "file-activated", "delivered", "set-aside", "removed", "kill-writer", "cut"}
PLACE, MODE, CONTENT = range(3)     # pages; PLACE is the directory that has the name
FILE = {MODE, CONTENT}


@dataclasses.dataclass(frozen=True)
class State:
    pages: tuple = fresh("none", "incomplete", "none")
    writer: str = "idle"        # idle created written moved held completed synced committed gone
    client: str = "new"         # new sent acknowledged broken
    released: bool = False
    delivered: bool = False
    crashes: int = 2


def change(state, **fields):
    return dataclasses.replace(state, **fields)


class Model(explorer.Model):
    state = State

    @staticmethod
    def check(state):
        whole = now(state.pages, PLACE) != "none" and now(state.pages, MODE) == "complete" and \
            now(state.pages, CONTENT) == "whole"
        if state.client == "acknowledged" and not state.delivered and not whole:
            raise Broken("kept: the message was accepted and is lost")
        if state.delivered and not state.released:
            raise Broken("held: the message is delivered and nobody released it")

    def steps(self, state):
        yield from self.write(state)
        locked = state.writer not in ("idle", "gone", "committed")
        if not locked or self.mistake == "removed-under-a-writer":
            yield from self.look(state)
        if state.crashes:
            yield from self.crash(state)

    def write(self, state):
        pages = state.pages
        moved = written(pages, (PLACE, "hold"))
        complete = written(pages, (MODE, "complete"))
        if state.writer == "idle":
            yield "file-created", change(state, writer="created", client="sent",
                                         pages=written(pages, (PLACE, "incoming"), (CONTENT, "part")))
        elif state.writer == "created":
            yield "file-written", change(state, writer="written", pages=written(pages, (CONTENT, "whole")))
        elif state.writer == "written" and self.mistake == "complete-before-it-is-held" and complete != pages:
            yield "held-completed", change(state, pages=complete)
        elif state.writer == "written":
            late = self.mistake == "complete-before-the-move-is-synced"
            yield "held", change(state, writer="moved", pages=moved if late else synced(moved, {PLACE}))
        elif state.writer == "moved":
            yield "held-completed", change(state, writer="completed", pages=complete)
        elif state.writer == "completed":
            early = self.mistake == "accepted-before-the-file-is-synced"
            yield "held-synced", change(state, writer="synced", pages=pages if early else synced(pages, FILE))
        elif state.writer == "synced":
            yield "held-committed", change(state, writer="committed", pages=synced(pages, {PLACE}))
        elif state.writer == "committed":
            yield "acknowledged", change(state, writer="gone", client="acknowledged")

    @staticmethod
    def look(state):
        """The queue manager in incoming/ and deferred/, postsuper -H and -p in hold/."""
        pages = state.pages
        place = now(pages, PLACE)
        if place not in ("none", "active") and now(pages, MODE) != "complete":
            yield "removed", change(state, pages=written(pages, (PLACE, "none")))
        elif place == "hold":
            yield "released", change(state, released=True, pages=synced(written(pages, (PLACE, "deferred")), {PLACE}))
        elif place in ("incoming", "deferred"):
            yield "file-activated", change(state, pages=written(pages, (PLACE, "active")))
        elif place == "active" and now(pages, CONTENT) == "whole":
            yield "delivered", change(state, delivered=True, pages=written(pages, (PLACE, "none")))
        elif place == "active":
            yield "set-aside", change(state, pages=written(pages, (PLACE, "none")))

    @staticmethod
    def crash(state):
        left = state.crashes - 1
        client = "broken" if state.client == "sent" else state.client
        if state.writer not in ("idle", "gone"):
            yield "kill-writer", change(state, writer="gone", crashes=left, client=client)
        for disk in disks(state.pages):
            yield "cut", change(state, pages=disk, writer="idle" if state.writer == "idle" else "gone", crashes=left,
                                client=client)
