"""Mail of local users: sendmail and postdrop write a file of maildrop/, pickup commits it as a message and removes it.

The journal is one page: batch-committed is one step here (journal.py has what is behind it).

What must hold:
  kept       whoever was told that the message is taken has it in maildrop/ or in the queue
  whole      what pickup commits is what the user gave
  once       it is committed a second time only after a kill or cut between the commit and the end of the file
"""
import dataclasses

import explorer
from explorer import Broken, certain, disks, fresh, now, synced, written

MISTAKES = ("told-before-the-name-is-synced", "complete-before-the-content-is-synced", "removed-before-it-is-committed",
            "picks-up-what-is-not-complete")
NEED_TWO = ()
ARROWS = {"dropped-created", "dropped-written", "dropped-completed", "dropped-synced", "dropped", "taken", "read",
          "batch-written", "batch-committed", "picked-up", "kill-postdrop", "kill-pickup", "cut"}
NAME, MODE, CONTENT = range(3)      # pages
FILE = {MODE, CONTENT}


@dataclasses.dataclass(frozen=True)
class State:
    pages: tuple = fresh("none", "incomplete", "none")
    postdrop: str = "idle"      # idle created written content-synced completed synced dropped gone
    user: str = "waits"         # waits taken refused
    pickup: str = "idle"        # idle read written committed
    excused: int = 0
    committed: int = 0
    crashes: int = 2


def change(state, **fields):
    return dataclasses.replace(state, **fields)


def is_complete(state):
    return now(state.pages, NAME) != "none" and now(state.pages, MODE) == "complete"


class Model(explorer.Model):
    state = State

    @staticmethod
    def check(state):
        if state.user == "taken" and not state.committed and not is_complete(state):
            raise Broken("kept: the message was taken and is lost")
        if state.committed > 1 + state.excused:
            raise Broken("once: the message was committed twice")

    def steps(self, state):
        yield from self.drop(state)
        yield from self.pick_up(state)
        if not state.crashes:
            return
        left = state.crashes - 1
        if state.postdrop not in ("idle", "gone"):
            user = "refused" if state.user == "waits" else state.user
            yield "kill-postdrop", change(state, postdrop="gone", user=user, crashes=left)
        if state.pickup != "idle":
            yield "kill-pickup", change(state, pickup="idle", crashes=left,
                                        excused=state.excused + (state.pickup == "committed"))
        # The queue's copy counts from batch-committed on; before that nobody has it after a cut.
        again = state.committed and not certain(state.pages, NAME, "none")
        for disk in disks(state.pages):
            yield "cut", change(state, pages=disk, postdrop="idle" if state.postdrop == "idle" else "gone",
                                user="refused" if state.user == "waits" and state.postdrop != "idle" else state.user,
                                pickup="idle", excused=state.excused + bool(again), crashes=left)

    def drop(self, state):
        if state.postdrop == "idle":
            yield "dropped-created", change(state, postdrop="created",
                                            pages=written(state.pages, (NAME, "there"), (CONTENT, "part")))
        elif state.postdrop == "created":
            early = self.mistake == "complete-before-the-content-is-synced"
            yield "dropped-written", change(state, postdrop="content-synced" if early else "written",
                                            pages=written(state.pages, (CONTENT, "whole")))
        elif state.postdrop == "written":
            yield "dropped-synced", change(state, postdrop="content-synced", pages=synced(state.pages, FILE))
        elif state.postdrop == "content-synced":
            yield "dropped-completed", change(state, postdrop="completed",
                                              pages=written(state.pages, (MODE, "complete")))
        elif state.postdrop == "completed":
            yield "dropped-synced", change(state, postdrop="synced", pages=synced(state.pages, FILE))
            if self.mistake == "told-before-the-name-is-synced":
                yield "taken", change(state, postdrop="gone", user="taken", pages=synced(state.pages, FILE))
        elif state.postdrop == "synced":
            yield "dropped", change(state, postdrop="dropped", pages=synced(state.pages, {NAME}))
        elif state.postdrop == "dropped":
            yield "taken", change(state, postdrop="gone", user="taken")

    def pick_up(self, state):
        if state.pickup == "idle":
            there = now(state.pages, NAME) != "none" and self.mistake == "picks-up-what-is-not-complete"
            if is_complete(state) or there:
                if now(state.pages, CONTENT) != "whole":
                    raise Broken("whole: a part of the message is committed")
                yield "read", change(state, pickup="read")
        elif state.pickup == "read":
            yield "batch-written", change(state, pickup="written")
            if self.mistake == "removed-before-it-is-committed":
                yield "picked-up", change(state, pickup="written", pages=written(state.pages, (NAME, "none")))
        elif state.pickup == "written":
            yield "batch-committed", change(state, pickup="committed", committed=state.committed + 1)
        elif state.pickup == "committed":
            yield "picked-up", change(state, pickup="idle", pages=written(state.pages, (NAME, "none")))
